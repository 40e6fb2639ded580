"""Sections: files that hold one stretch of a video, with the clock of the whole video.

`signflow download --sections` writes them, readers find them and the decoder reads them. Their
name says which stretch of which video they hold; a note in the file says how its time stamps go
with the times of the whole video, so that a clip is decoded from either with the same numbers.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from signflow.annotations.clip import Clip, ClipList

_NAME = re.compile(
    r"(?P<video>.+)@(?P<start>\d{1,8}\.\d{3})-(?P<end>\d{1,8}\.\d{3}|end)\.section",
    re.DOTALL | re.ASCII,
)
_NOTE = "signflow_section"
# No exponents: "9e999999999" is a number that takes minutes to write down.
_FRACTION = re.compile(r"-?\d{1,15}(/\d{1,15})?", re.ASCII)


@dataclass(frozen=True, order=True)
class Stretch:
    """A stretch of a video's time, in seconds from the video's first frame.

    Attributes:
        start: where it begins, from 0 on.
        end: where it ends; infinite: with the video.

    Example:
        >>> Stretch(12.0, 17.5).covers(13.0, 15.25)
        True
    """

    start: float
    end: float

    def covers(self, start: float | None, end: float | None) -> bool:
        """Whether a clip from `start` (None: first frame) to `end` (None: last) is in it."""
        return self.start <= (start or 0.0) and (math.inf if end is None else end) <= self.end

    def file_name(self, video: str, *, suffix: str) -> str:
        """The name of a section.

        Example:
            >>> Stretch(12.0, 17.5).file_name("7y5Ye-2-ZBs", suffix=".mp4")
            '7y5Ye-2-ZBs@12.000-17.500.section.mp4'
        """
        end = "end" if math.isinf(self.end) else f"{self.end:.3f}"
        return f"{video}@{self.start:.3f}-{end}.section{suffix}"

    def __str__(self) -> str:
        return f"{self.start:g} s to {'the end' if math.isinf(self.end) else f'{self.end:g} s'}"


@dataclass(frozen=True, kw_only=True)
class SectionNote:
    """What a section says of itself and of the whole video, inside the file.

    Attributes:
        stretch: every frame of this stretch can be decoded from the section.
        zero: what the section's clock shows at the first frame of the whole video, in seconds;
            below 0 where the section begins later.
        frame_rate: of the whole video, per second, on average; 0 where that is not known.
    """

    stretch: Stretch
    zero: Fraction
    frame_rate: Fraction

    def to_text(self) -> str:
        """One line for the comment of a video file."""
        end = None if math.isinf(self.stretch.end) else self.stretch.end
        note = {
            "start": self.stretch.start,
            "end": end,
            "zero": str(self.zero),
            "frame_rate": str(self.frame_rate),
        }
        return json.dumps({_NOTE: note})

    @classmethod
    def from_metadata(cls, metadata: Iterable[tuple[str, str]]) -> "SectionNote | None":
        """Find the note among a file's metadata; None where there is none that makes sense."""
        for key, text in metadata:
            if key.lower() == "comment" and _NOTE in text[:40]:
                try:
                    note = json.loads(text)[_NOTE]
                    start, end = float(note["start"]), note["end"]
                    return cls(
                        stretch=Stretch(start, math.inf if end is None else float(end)),
                        zero=_fraction(note["zero"]),
                        frame_rate=_fraction(note["frame_rate"]),
                    )
                except (ValueError, TypeError, KeyError, ZeroDivisionError, RecursionError):
                    return None
        return None


def is_section(path: Path) -> bool:
    """Whether a path is named like a section.

    Example:
        >>> is_section(Path("7y5Ye-2-ZBs@12.000-17.500.section.mp4"))
        True
    """
    return _NAME.fullmatch(path.stem) is not None


def stretch_of(path: Path) -> Stretch | None:
    """The stretch that a section holds, by its name; None: it is named like none."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    end = math.inf if match["end"] == "end" else float(match["end"])
    return Stretch(float(match["start"]), end)


def video_of(path: Path) -> str:
    """The name of the video that a file holds, whole or a section of it: without suffix.

    Example:
        >>> [video_of(Path(name)) for name in ("a.mp4", "a@12.000-17.500.section.mp4")]
        ['a', 'a']
    """
    match = _NAME.fullmatch(path.stem)
    return path.stem if match is None else match["video"]


def use_sections(clips: ClipList, *, folder: Path) -> ClipList:
    """Let clips whose video is not there use the sections of it that are.

    Such a clip's `source` becomes the section that covers it. Where none does it becomes another
    section of its video: the decoder then says that the clip was not fetched. A clip whose video
    would lie elsewhere stays as it is, whatever its name.

    Args:
        clips: as a reader gives them, each in the whole video.
        folder: where the videos lie.
    """
    sections = sections_in(folder.iterdir())
    if not sections:
        return clips

    def found(clip: Clip) -> Clip:
        whole = Path(clip.source)
        there = sections.get(whole.stem)
        if there is None or whole.absolute().parent != folder.absolute() or whole.exists():
            return clip
        covering = (path for stretch, path in there if stretch.covers(clip.start, clip.end))
        return replace(clip, source=str(next(covering, there[0][1]).absolute()))

    return replace(clips, clips=tuple(map(found, clips.clips)))


def sections_in(files: Iterable[Path]) -> dict[str, list[tuple[Stretch, Path]]]:
    """The sections among files by the name of their video, in order of time."""
    found: dict[str, list[tuple[Stretch, Path]]] = {}
    for path in files:
        stretch = stretch_of(path)
        if stretch is not None:
            found.setdefault(video_of(path), []).append((stretch, path))
    return {name: sorted(sections) for name, sections in found.items()}


def _fraction(value: str) -> Fraction:
    if not _FRACTION.fullmatch(value):
        raise ValueError(f"{value!r} is no fraction")
    return Fraction(value)
