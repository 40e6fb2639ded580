"""What other programs may ask of the page; `docs/app.md` has examples."""

from typing import Any

import gradio as gr

from signflow.app import fragments
from signflow.app.state import Shared
from signflow.app.trainings import Training
from signflow.errors import UserError


def publish(shared: Shared) -> None:
    """Publish the functions; each takes and gives JSON, and says in words what went wrong."""

    def recognise(video: dict[str, Any], top: int = 5) -> dict[str, Any]:
        """Say which sign an uploaded video shows: `signs`, the likeliest first, and `sure`."""
        with _said():
            path, name = shared.uploaded(video)
            found = shared.recognisers.recognise(path, top=max(1, int(top)), name=name)
            signs = [{"gloss": guess.gloss, "score": guess.score} for guess in found.guesses]
            return {"signs": signs, "sure": found.sure, "by": found.by}

    def record(video: dict[str, Any], gloss: str, signer: str) -> dict[str, Any]:
        """Keep an uploaded video as a clip of a sign."""
        with _said():
            path, name = shared.uploaded(video)
            kept = shared.recordings.add(path, gloss=str(gloss), signer=str(signer), name=name)
            return {"clip": kept.clip_id, "gloss": kept.gloss, "signer": kept.signer}

    def clips() -> dict[str, Any]:
        """List the recorded clips by sign."""
        glosses = shared.recordings.glosses()
        return {gloss: [clip.clip_id for clip in clips] for gloss, clips in glosses.items()}

    def delete(clip: str) -> dict[str, Any]:
        """Move a recorded clip to the trash."""
        with _said():
            shared.recordings.delete(str(clip))
            return {"deleted": str(clip)}

    def train() -> dict[str, Any]:
        """Start a training on all recorded clips; `training` says how it goes."""
        with _said():
            return _described(shared.trainings.start())

    def training() -> dict[str, Any]:
        """Say how the last training stands."""
        return _described(shared.trainings.latest())

    def cancel() -> dict[str, Any]:
        """End the training that is under way."""
        with _said():
            return _described(shared.trainings.cancel())

    for function in (recognise, record, clips, delete, train, training, cancel):
        gr.api(function, api_name=function.__name__)


def _described(training: Training) -> dict[str, Any]:
    state = training.state
    return {
        "standing": training.standing,
        "number": training.number,
        "epoch": state.epoch,
        "epochs": state.epochs,
        "message": state.message,
        "meaning": fragments.meaning(training) if training.standing == "done" else "",
    }


class _said:  # noqa: N801 - used like a function
    """Turn errors that are meant for people into what Gradio sends."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, UserError):
            raise gr.Error(str(error), print_exception=False) from None
