"""What can be counted of a set without looking at pictures."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from signflow.annotations import SPLITS, Clip
from signflow.audit.findings import Available, Class, Shared, Spread
from signflow.audit.pairs import Partition
from signflow.audit.sketches import DEFAULT_FPS
from signflow.store import ClipRow

WORST = 10
"""So many of the clips with most saturated flow are named."""


def by_split(rows: Sequence[ClipRow]) -> dict[str, Available]:
    """Clips asked for and to be had, by split."""
    return {
        split: Available(
            asked=sum(row.clip.split == split for row in rows),
            available=sum(row.clip.split == split and row.built for row in rows),
        )
        for split in SPLITS
    }


def by_class(rows: Sequence[ClipRow], classes: Sequence[str]) -> tuple[Class, ...]:
    """Likewise by class and split, in the classes' order."""
    members: dict[int, list[ClipRow]] = defaultdict(list)
    for row in rows:
        members[row.clip.label].append(row)
    return tuple(
        Class(gloss=gloss, splits=by_split(members[label])) for label, gloss in enumerate(classes)
    )


def seconds_of(row: ClipRow) -> float | None:
    """How long a clip is: as was seen, or else as its annotation says; None where nothing does."""
    if row.video_frames is not None:
        return row.video_frames / (row.fps or DEFAULT_FPS)
    if row.clip.end is not None:
        return row.clip.end - (row.clip.start or 0.0)
    return None


def spread_of(values: Sequence[float | None]) -> Spread | None:
    """Where the known ones of values lie; None where none is known."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    places = np.quantile(known, [0, 0.05, 0.5, 0.95, 1]).round(6).tolist()
    least, low, median, high, most = places
    return Spread(count=len(known), least=least, low=low, median=median, high=high, most=most)


def sizes_of(rows: Sequence[ClipRow]) -> tuple[tuple[int, int, int], ...]:
    """The pictures' (width, height, clips), the commonest first."""
    sizes = Counter((row.width, row.height) for row in rows if row.width and row.height)
    ordered = sorted(sizes.items(), key=lambda each: (-each[1], each[0]))
    return tuple((width or 0, height or 0, count) for (width, height), count in ordered)


def worst_saturated(rows: Sequence[ClipRow]) -> tuple[tuple[str, float], ...]:
    """The clips with most flow values at the bound, if any has some: (clip id, share)."""
    shares = [(row.clip.clip_id, row.saturated) for row in rows if row.saturated]
    return tuple(sorted(shares, key=lambda each: (-each[1], each[0]))[:WORST])


def folds_of(clips: Sequence[Clip]) -> tuple[int, ...]:
    """The folds' numbers."""
    return tuple(sorted({clip.fold for clip in clips if clip.fold is not None}))


def all_shared(clips: Sequence[Clip], videos: Sequence[str]) -> tuple[Shared, ...]:
    """Signers, groups and videos by split and, where there are folds, by fold.

    Args:
        clips: the clips.
        videos: the name of each one's video.
    """
    betweens: list[Partition] = ["splits", "folds"] if folds_of(clips) else ["splits"]
    return tuple(
        _shared(clips, names, what=what, between=between)
        for between in betweens
        for what, names in (
            ("signers", [clip.signer for clip in clips]),
            ("groups", [clip.group for clip in clips]),
            ("videos", list(videos)),
        )
    )


def _shared(
    clips: Sequence[Clip], names: Sequence[str | None], *, what: str, between: Partition
) -> Shared:
    part_of: Callable[[Clip], str | None] = _split if between == "splits" else _fold
    parts: dict[str, set[str]] = defaultdict(set)
    for clip, name in zip(clips, names, strict=True):
        part = part_of(clip)
        if name is not None and part is not None:
            parts[name].add(part)
    order = SPLITS if between == "splits" else tuple(map(str, folds_of(clips)))
    shared = [
        (name, tuple(part for part in order if part in found))
        for name, found in sorted(parts.items())
        if len(found) > 1
    ]
    return Shared(
        what=what,  # type: ignore[arg-type]
        between=between,
        known=sum(name is not None for name in names),
        clips=len(clips),
        each={part: sum(part in found for found in parts.values()) for part in order},
        shared=tuple(shared),
    )


def _split(clip: Clip) -> str:
    return clip.split


def _fold(clip: Clip) -> str | None:
    return None if clip.fold is None else str(clip.fold)
