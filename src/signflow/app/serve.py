"""Starting and ending the page."""

import ipaddress
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from signflow.app.config import AppConfig
from signflow.errors import UserError

LEAST_PASSWORD = 8
"""Characters of a password: whoever reaches the page may try as many as they like."""


@contextmanager
def serving(config: AppConfig, *, password: str | None = None) -> Iterator[str]:
    """Serve the page while the block lasts.

    Args:
        config: how.
        password: of `config.auth`; it is in no file and in no configuration.

    Yields:
        its address.

    Raises:
        UserError: Gradio is not installed, the run has no trained model, the port is taken, or the
            password is missing or too short.

    Example:
        >>> with serving(AppConfig(port=0)) as address:
        ...     print(address)
        http://127.0.0.1:43121/
    """
    if config.auth is not None and len(password or "") < LEAST_PASSWORD:
        raise UserError(
            f"--auth {config.auth}: the password has {len(password or '')} characters; must have"
            f" {LEAST_PASSWORD} or more"
        )
    if find_spec("gradio") is None:
        raise UserError("signflow app needs Gradio: pip install 'signflow[app]'")
    with (
        tempfile.TemporaryDirectory(prefix="signflow-app-", ignore_cleanup_errors=True) as uploads,
        _settings(Path(uploads).resolve()),
    ):
        # Only now: importing Gradio reads those settings, and takes seconds.
        from starlette.middleware import Middleware
        from starlette.middleware.trustedhost import TrustedHostMiddleware

        from signflow.app.guard import Guard
        from signflow.app.page import build_page, looks
        from signflow.app.state import Shared

        shared = Shared.of(config, uploads=Path(uploads))
        page = build_page(shared)
        # A name that leads to this computer may belong to anybody's page (DNS rebinding).
        hosts = ["*"] if is_open(config.host) else ["127.0.0.1", "localhost", "[::1]", "::1"]
        try:
            _, address, _ = page.launch(
                server_name=config.host,
                server_port=config.port or _free_port(config.host),
                auth=None if config.auth is None else [(config.auth.strip(), password)],
                max_file_size=config.limits.upload_bytes,
                allowed_paths=[str(config.clips.absolute())],
                app_kwargs={
                    "middleware": [
                        Middleware(TrustedHostMiddleware, allowed_hosts=hosts),
                        Middleware(Guard, upload_bytes=config.limits.upload_bytes),
                    ]
                },
                prevent_thread_lock=True,
                quiet=True,
                share=False,
                show_error=True,
                ssr_mode=False,
                mcp_server=False,
                pwa=False,
                run_history=False,
                enable_monitoring=False,
                inbrowser=False,
                footer_links=["api"],
                **looks(),
            )
        except OSError as error:
            raise UserError(
                f"--port {config.port}: cannot be used on {config.host} ({error}); choose another,"
                " or --port 0 for any free one"
            ) from None
        try:
            yield address
        finally:
            shared.trainings.close()
            shared.decoder.close()
            page.close(verbose=False)


def is_open(host: str) -> bool:
    """Whether others than this computer's users reach a server that listens there.

    Example:
        >>> [is_open(host) for host in ("127.0.0.1", "localhost", "0.0.0.0", "192.168.1.5")]
        [False, False, True, True]
    """
    if host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


@contextmanager
def _settings(uploads: Path) -> Iterator[None]:
    """Gradio asks the network nothing, and puts uploads where they go with the page."""
    wanted = {
        "GRADIO_ANALYTICS_ENABLED": "0",
        "HF_HUB_OFFLINE": "1",
        "GRADIO_TEMP_DIR": str(uploads),
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as found:
        found.bind((host, 0))
        return int(found.getsockname()[1])
