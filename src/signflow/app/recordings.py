"""The clips that are recorded on the page: a folder that `signflow build` reads.

clips/GLOSS/SIGNER-01.mp4          H.264, no sound
clips/.trash/GLOSS/SIGNER-01.mp4   what was deleted; readers pass it over
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from filelock import FileLock

from signflow.annotations.media import is_clip
from signflow.app.decoder import Decoder
from signflow.app.limits import Limits
from signflow.app.names import gloss_name, signer_name
from signflow.errors import UserError

GROUP_BY = "^([^-]+)-"
"""For `signflow build --group-by`: the signer, as file names begin with it."""

_TRASH = ".trash"


@dataclass(frozen=True)
class Recording:
    """One recorded clip.

    Attributes:
        gloss: the sign.
        signer: who signs; None where the file's name does not say.
        path: the file.
    """

    gloss: str
    signer: str | None
    path: Path

    @property
    def clip_id(self) -> str:
        """As a store names it."""
        return f"{self.gloss}/{self.path.name}"


class Recordings:
    """The folder of recorded clips. Any number of processes may use it at once.

    Example:
        >>> recordings = Recordings(Path("my-signs/clips"), limits=Limits(), frames=10)
        >>> recordings.add(Path("upload.webm"), gloss="hvala", signer="Ana").clip_id
        'hvala/Ana-01.mp4'
    """

    def __init__(
        self, folder: Path, *, limits: Limits, frames: int, decoder: Decoder | None = None
    ) -> None:
        """Nothing is written before the first clip is.

        Args:
            folder: of the clips.
            limits: of one clip.
            frames: that a clip must have at least, to be of use to the recipe.
            decoder: who decodes; None: one of its own.
        """
        self.folder = folder
        self._decoder = decoder or Decoder(limits)
        self._frames = frames

    def glosses(self) -> dict[str, list[Recording]]:
        """All clips by gloss, both in the order of their names."""
        found: dict[str, list[Recording]] = {}
        for path in _files(self.folder):
            recording = Recording(path.parent.name, signer_of(path), path)
            found.setdefault(recording.gloss, []).append(recording)
        return found

    def find(self, clip_id: str) -> Recording:
        """The clip of that name.

        Raises:
            UserError: there is none, any more.
        """
        for recordings in self.glosses().values():
            for recording in recordings:
                if recording.clip_id == clip_id:
                    return recording
        raise UserError(f"There is no clip {clip_id!r}; it may have been deleted elsewhere.")

    def add(self, video: Path, *, gloss: str, signer: str, name: str | None = None) -> Recording:
        """Keep a video as the next clip of a signer; nothing is overwritten.

        A gloss or signer that differs from a known one in nothing but case is taken to be that one.

        Args:
            video: any file that FFmpeg reads; it is left where it is.
            gloss: the sign, as typed.
            signer: who signs, as typed.
            name: the file's name, for messages.

        Raises:
            UserError: a name will not do, or the file is no video, too short or too long.
        """
        gloss, signer = gloss_name(gloss), signer_name(signer)
        known = self.glosses()
        gloss = _same(gloss, known)
        signer = _same(signer, (r.signer for clips in known.values() for r in clips if r.signer))
        incoming = self.folder / f".{uuid4().hex}.mp4"
        incoming.parent.mkdir(parents=True, exist_ok=True)
        try:
            name = name or video.name
            self._decoder.convert(video, incoming, frames=self._frames, name=name)
            with self._alone():
                path = self._next_path(gloss, signer)
                path.parent.mkdir(parents=True, exist_ok=True)
                incoming.rename(path)
        finally:
            incoming.unlink(missing_ok=True)
        return Recording(gloss, signer, path)

    def delete(self, clip_id: str) -> None:
        """Move a clip to the trash.

        Raises:
            UserError: there is no such clip.
        """
        with self._alone():
            recording = self.find(clip_id)
            target = self.folder / _TRASH / recording.gloss / recording.path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            recording.path.rename(target)
            _remove_if_empty(recording.path.parent)

    def restore(self, clip_id: str) -> Recording:
        """Bring a deleted clip back.

        Raises:
            UserError: it is not in the trash, or its place is taken.
        """
        with self._alone():
            for path in _files(self.folder / _TRASH):
                if f"{path.parent.name}/{path.name}" == clip_id:
                    target = self.folder / path.parent.name / path.name
                    if target.exists():
                        raise UserError(f"There is a clip {clip_id!r} already.")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    path.rename(target)
                    return self.find(clip_id)
        raise UserError(f"There is no deleted clip {clip_id!r}.")

    def _next_path(self, gloss: str, signer: str) -> Path:
        """A name that neither a clip nor a deleted one has, so that each can come back."""
        taken = [self.folder / gloss, self.folder / _TRASH / gloss]
        numbers = [0]
        for folder in taken:
            for path in folder.glob("*") if folder.is_dir() else ():
                found = re.fullmatch(rf"{re.escape(signer)}-(\d+)", path.stem)
                numbers.append(int(found[1]) if found else 0)
        return self.folder / gloss / f"{signer}-{max(numbers) + 1:02d}.mp4"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".lock", timeout=30):
            yield


def signer_of(path: Path) -> str | None:
    """Who signs, as a clip's file name says; None where it does not.

    Example:
        >>> signer_of(Path("hvala/Ana-01.mp4"))
        'Ana'
    """
    found = re.search(GROUP_BY, path.name)
    return found[1] if found else None


def _files(folder: Path) -> Iterator[Path]:
    """The clips below a folder as the folder reader sees them, in the order of their names."""
    if not folder.is_dir():
        return
    for gloss in sorted(folder.iterdir()):
        if gloss.is_dir() and not gloss.name.startswith("."):
            yield from sorted(path for path in gloss.iterdir() if is_clip(path))


def _same(name: str, known: Iterable[str]) -> str:
    """The known name that differs in case alone, or the name itself."""
    return next((other for other in known if other.casefold() == name.casefold()), name)


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
