"""The one way in: tell what lies at a path, and read it as clips."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from signflow.annotations.clip import ClipList
from signflow.annotations.sections import use_sections
from signflow.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What a reader may need to know beyond the path.

    Attributes:
        videos: where the videos of an annotation directory lie, one file (or one folder of
            numbered images) per video, or sections of it (see `sections`).
        classes: keep labels below this number (the subsets of MS-ASL and WLASL); None keeps all.
        subset: name of the split file to go by, where an annotation directory holds several
            (WLASL: nslt_100), or "all" to go by none; None: the only one there, if there is one.
        group_by: regular expression searched for in a clip's file name; clips for which it matches
            the same text (its first group, where it has one) stay in one split.
        shares: shares of train, val and test where splits are drawn; they sum to 1.
        split_seed: seed of the drawing.
        frame_rate: images per second of clips that are folders of numbered images, above 0; None:
            25, or what the reader knows.
    """

    videos: Path | None = None
    classes: int | None = None
    subset: str | None = None
    group_by: str | None = None
    shares: tuple[float, float, float] = (0.7, 0.15, 0.15)
    split_seed: int = 0
    frame_rate: float | None = None

    def __post_init__(self) -> None:
        """Check the frame rate.

        Raises:
            ValueError: naming the value and what is allowed.
        """
        if self.frame_rate is not None and not 0 < self.frame_rate < math.inf:
            raise ValueError(
                f"--frame-rate {self.frame_rate}: must be a number of images per second above 0"
            )


PLUG_INS = "signflow.readers"
"""The group of entry points under which packages bring readers of their own."""

ReadFunction = Callable[[Path, ReadOptions], ClipList]


@dataclass(frozen=True)
class _Reader:
    name: str
    matches: Callable[[Path], bool]
    read: ReadFunction
    fallback: bool


_readers: list[_Reader] = []


def reader(
    name: str, *, matches: Callable[[Path], bool], fallback: bool = False
) -> Callable[[ReadFunction], ReadFunction]:
    """Register a reader: a function from a path and options to clips.

    The first reader whose `matches` is true of a path reads it: signflow's own, then those of
    plug-ins (entry points of the group `signflow.readers`; see `docs/readers.md`), then fallbacks.

    Args:
        name: what it reads, for messages ("table").
        matches: tells from what lies at the path whether this reader is meant. Cheap; no reading.
        fallback: asked only when no other reader matches.

    Raises:
        ValueError: there is a reader of that name.
    """

    def register(function: ReadFunction) -> ReadFunction:
        if any(known.name == name for known in _readers):
            raise ValueError(f"there is a reader named {name!r} already")
        _readers.append(_Reader(name, matches, function, fallback))
        return function

    return register


def read_clips(source: Path, *, options: ReadOptions | None = None) -> ClipList:
    """Read the clips that a source annotates, whatever kind of source it is.

    Args:
        source: a table (or the folder of a `clips.csv` or `clips.parquet`), an MS-ASL or WLASL
            annotation directory, a folder with one sub-folder of clips per gloss, or what a plug-in
            reads.
        options: see `ReadOptions`.

    Raises:
        UserError: nothing lies there, no reader knows it, an entry is malformed, or a plug-in
            cannot be loaded.

    Example:
        >>> read_clips(Path("egogestar/clips.csv")).classes
        ('carret', 'circlecc', 'del', ...)
    """
    if not source.exists():
        raise UserError(
            f"{source}: no such file or directory; give a table, an annotation directory or a"
            " folder"
        )
    _load_plug_ins()
    for candidate in sorted(_readers, key=lambda candidate: candidate.fallback):
        if candidate.matches(source):
            clips = candidate.read(source, options or ReadOptions())
            _check(clips, by=candidate.name)
            videos = options.videos if options else None
            return use_sections(clips, folder=videos) if videos and videos.is_dir() else clips
    known = ", ".join(candidate.name for candidate in _readers)
    raise UserError(
        f"{source}: no source that signflow knows ({known}): no .csv or .parquet or folder with"
        " clips.csv, no MSASL_{train,val,test}.json, no WLASL_v*.json, no folder with a sub-folder"
        " of clips per gloss"
    )


@functools.cache
def _load_plug_ins() -> None:
    """Import what other packages registered: importing it runs their `@reader`."""
    for found in sorted(entry_points(group=PLUG_INS), key=lambda found: (found.name, found.value)):
        try:
            found.load()
        except Exception as error:
            package = found.dist.name if found.dist else "unknown"
            raise UserError(
                f"the reader {found.name!r} of the package {package} cannot be loaded"
                f" ({type(error).__name__}: {error}); update the package, or uninstall it"
            ) from error


def number_repeats(names: list[str]) -> list[str]:
    """Make names unique by appending #2, #3 ... to repeats, in order.

    Example:
        >>> number_repeats(["a", "b", "a"])
        ['a', 'b', 'a#2']
    """
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return unique


def _check(clips: ClipList, *, by: str) -> None:
    """Hold a reader to its word; what is wrong here only its author can put right."""
    seen: set[str] = set()
    for clip in clips.clips:
        if clip.clip_id in seen:
            raise ValueError(f"the reader {by!r} gave the clip id {clip.clip_id!r} to two clips")
        seen.add(clip.clip_id)
        if clips.classes[clip.label : clip.label + 1] != (clip.gloss,):
            raise ValueError(
                f"the reader {by!r} gave the clip {clip.clip_id!r} the label {clip.label}, which"
                f" is not that of its gloss {clip.gloss!r}"
            )
