"""Uploads are decoded in processes of their own: one that breaks the decoder costs a message."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from signflow.annotations import Clip
from signflow.app.convert import check_video, convert, plain_fault
from signflow.app.limits import Limits
from signflow.errors import UserError
from signflow.isolated import IsolatedWorkers, ProcessHungError
from signflow.processes import ProcessEndedError
from signflow.store import Recipe, Sample, make_samples
from signflow.video import VideoFault

WORKERS = 2
"""Decoders at once: one that hangs does not stop the page for all others."""

T = TypeVar("T")


class Decoder:
    """Decodes what people upload, whatever it is.

    Example:
        >>> decoder = Decoder(Limits())
        >>> decoder.sample(Path("upload.webm"), recipe=recipe, name="hello.webm").frames.shape
        (16, 64, 64, 3)
    """

    def __init__(self, limits: Limits) -> None:
        """Start nothing before the first upload."""
        self._limits = limits
        self._workers = IsolatedWorkers(
            WORKERS, seconds=limits.decode_seconds, memory=limits.decode_mb * 2**20
        )

    def convert(self, source: Path, target: Path, *, frames: int = 1, name: str) -> None:
        """Write a video anew; see `signflow.app.convert.convert`.

        Raises:
            UserError: it is no video within the limits, or breaks the decoder.
        """
        self._run(convert, source, target, limits=self._limits, frames=frames, name=name)

    def sample(self, source: Path, *, recipe: Recipe, name: str) -> Sample:
        """Look at a video as a recipe says.

        Raises:
            UserError: it is no video within the limits, or breaks the decoder.
        """
        return self._run(sample_of, source, recipe=recipe, limits=self._limits, name=name)

    def close(self) -> None:
        """End the processes."""
        self._workers.close()

    def _run(self, function: Callable[..., T], *args: Any, name: str, **kwargs: Any) -> T:
        try:
            return self._workers.call(function, *args, name=name, **kwargs)
        except ProcessHungError:
            said = f"takes longer than {self._limits.decode_seconds:g} seconds to decode"
        except MemoryError:
            said = f"needs more than {self._limits.decode_mb} MB of memory to decode"
        except ProcessEndedError as end:
            said = f"cannot be decoded: the process that tried ended by {end}"
        raise UserError(f"{name} {said}. Send the clip as another file.")


def sample_of(source: Path, *, recipe: Recipe, limits: Limits, name: str) -> Sample:
    """Look at a video as a recipe says, in this process; see `Decoder.sample`."""
    check_video(source, limits=limits, name=name)
    clip = Clip(clip_id=name, source=str(source), label=0, gloss="", split="test")
    ((_, made),) = make_samples([clip], recipe=recipe)
    if isinstance(made, VideoFault):
        raise UserError(plain_fault(made, source, name))
    return made.sample
