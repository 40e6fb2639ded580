"""The one way in: tell what lies at a path, and read it as clips."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from signflow.annotations.clip import ClipList
from signflow.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What a reader may need to know beyond the path.

    Attributes:
        videos: where the videos of an annotation directory lie, one file per video.
        classes: keep labels below this number (MS-ASL's subsets); None keeps all.
        group_by: regular expression searched for in a clip's file name; clips for which it matches
            the same text (its first group, where it has one) stay in one split.
        shares: shares of train, val and test where splits are drawn; they sum to 1.
        split_seed: seed of the drawing.
    """

    videos: Path | None = None
    classes: int | None = None
    group_by: str | None = None
    shares: tuple[float, float, float] = (0.7, 0.15, 0.15)
    split_seed: int = 0


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

    The first reader whose `matches` is true of a path reads it.

    Args:
        name: what it reads, for messages ("table").
        matches: tells from what lies at the path whether this reader is meant. Cheap; no reading.
        fallback: asked only when no other reader matches.
    """

    def register(function: ReadFunction) -> ReadFunction:
        _readers.append(_Reader(name, matches, function, fallback))
        return function

    return register


def read_clips(source: Path, *, options: ReadOptions | None = None) -> ClipList:
    """Read the clips that a source annotates, whatever kind of source it is.

    Args:
        source: a table (or the folder of a `clips.csv`), an MS-ASL annotation directory, or a
            folder with one sub-folder of clips per gloss.
        options: see `ReadOptions`.

    Raises:
        UserError: nothing lies there, no reader knows it, or an entry is malformed.

    Example:
        >>> read_clips(Path("egogestar/clips.csv")).classes
        ('carret', 'circlecc', 'del', ...)
    """
    if not source.exists():
        raise UserError(
            f"{source}: no such file or directory; give a table, an MS-ASL directory or a folder"
        )
    for candidate in sorted(_readers, key=lambda candidate: candidate.fallback):
        if candidate.matches(source):
            clips = candidate.read(source, options or ReadOptions())
            _check_ids(clips)
            return clips
    known = ", ".join(candidate.name for candidate in _readers)
    raise UserError(
        f"{source}: no source that signflow knows ({known}): no .csv or folder with clips.csv, no"
        " MSASL_{train,val,test}.json, no folder with a sub-folder of clips per gloss"
    )


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


def _check_ids(clips: ClipList) -> None:
    ids = [clip.clip_id for clip in clips.clips]
    if len(set(ids)) != len(ids):
        twice = next(i for i in ids if ids.count(i) > 1)
        raise ValueError(f"a reader gave the clip id {twice!r} to two clips")
