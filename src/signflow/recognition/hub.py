"""An exported model goes to the Hugging Face hub."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import signflow
from signflow.errors import UserError


def check_hub(name: str) -> None:
    """Make sure, before any work, that a model may be pushed: the library, the name, a token.

    Args:
        name: OWNER/NAME on the hub.

    Raises:
        UserError: one of them is missing; the message says what to do.
    """
    hub = _library()
    try:
        hub.utils.validate_repo_id(name)
        owned = name.count("/") == 1
    except hub.errors.HFValidationError:
        owned = False
    if not owned:
        raise UserError(
            f"--push-to-hub {name!r}: expected OWNER/NAME of letters, digits, '-', '_' and '.', for"
            " example anna/my-signs"
        )
    if hub.get_token() is None:
        raise UserError(
            "--push-to-hub: no token of the Hugging Face hub was found; give one that may write:"
            " hf auth login, or the environment variable HF_TOKEN"
        )


def push_to_hub(name: str, files: Mapping[str, Path], *, private: bool = False) -> str:
    """Upload files to a model repository on the hub, in one commit; make it where there is none.

    The environment variable HF_ENDPOINT names another hub.

    Args:
        name: OWNER/NAME.
        files: by the names that they get there.
        private: whether a repository that is made is for its owner only.

    Returns:
        The page's address.

    Raises:
        UserError: the hub cannot be reached, or refuses.
    """
    hub = _library()
    api = hub.HfApi(library_name="signflow", library_version=signflow.__version__)
    try:
        page = api.create_repo(name, private=private, exist_ok=True)
        api.create_commit(
            name,
            [hub.CommitOperationAdd(there, here) for there, here in files.items()],
            commit_message="Add a model exported by signflow",
        )
    # RuntimeError: a large file's upload failed, its cause says why. ValueError: a strange answer.
    except (OSError, RuntimeError, ValueError, hub.errors.HTTPError) as error:
        raise UserError(f"--push-to-hub {name}: {_reason(error)}", exit_status=1) from None
    return str(page)


def _reason(error: BaseException) -> str:
    """What went wrong, for people; the library's own words where there are none of ours."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return "the hub does not know the token (401); hf auth login, or set HF_TOKEN anew"
    if status == 403:
        return "the token may not write there (403); check owner and the token's rights"
    if status is None:
        cause = error.__cause__ or error
        words = " ".join(str(cause).split()) or type(cause).__name__
        return f"the hub cannot be reached ({words:.200}); the files are written, push them later"
    return f"the hub refuses ({' '.join(str(error).split()):.300})"


def _library() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
        import huggingface_hub.utils
    except ImportError:
        raise UserError(
            "--push-to-hub needs huggingface_hub: pip install 'signflow[hub]'"
        ) from None
    return huggingface_hub
