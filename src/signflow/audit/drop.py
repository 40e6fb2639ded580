"""Which clips of a leak to leave out of a store: as few as can be, where it does least harm."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from signflow.audit.book import book_of_videos
from signflow.audit.copies import find_copies
from signflow.audit.matching import COPY_SCORE
from signflow.audit.pairs import Pair, stays_before
from signflow.audit.stretches import LEAST_OVERLAP, find_stretches, same_videos
from signflow.store import ClipRow, LeaveOut

STRETCH = "leak-same-stretch"
COPY = "leak-copy"
"""What `clips.parquet` gives as the reason of a clip that was left out."""


@dataclass(frozen=True)
class Drop:
    """A clip to leave out.

    Attributes:
        code: `STRETCH` or `COPY`.
        reason: for people; names the clip that stays.
    """

    code: str
    reason: str


def drop_leaks(*, workers: int | None = None) -> LeaveOut:
    """What `signflow build --drop-leaks` leaves out, for `build_store`.

    Clips that are the same stretch of one video, or copies, and lie in two splits (or, where clips
    have folds, in two folds): train loses to validation, and validation to test. Between folds, and
    where splits do not tell them apart, the clip that is read first stays.

    Args:
        workers: processes that look at the videos; None: one per core.
    """
    name = f"leaks 1, overlap {LEAST_OVERLAP}, copies {COPY_SCORE}"
    return LeaveOut(name, partial(without_leaks, workers=workers))


def without_leaks(
    rows: Sequence[ClipRow], folder: Path, *, workers: int | None = None
) -> list[ClipRow]:
    """Take the clips that leak out of rows: they are no longer "built", and the reason says why.

    Args:
        rows: of all clips, in the set's order; those that are not built cannot leak.
        folder: for what is needed to go on after a kill.
        workers: processes; None: one per core.
    """
    built = [row for row in rows if row.built]
    clips = [row.clip for row in built]
    stretches = find_stretches(built, same_videos(clips))
    known = {frozenset((pair.first, pair.second)) for pair in stretches}
    book = book_of_videos(clips, folder / "sketches", workers=workers)
    copies = find_copies(book, clips, workers=workers, known=known, kept=folder / "compared.json")
    drops = choose_drops(built, stretches, copies)
    return [_dropped(row, drops.get(row.clip.clip_id)) for row in rows]


def choose_drops(
    rows: Sequence[ClipRow], stretches: Sequence[Pair], copies: Sequence[Pair]
) -> dict[str, Drop]:
    """Choose the clips to leave out, by clip id.

    Clips are taken in the order in which they stay (test, validation, train). One is left out only
    if it leaks with one that has been taken: so nothing goes for a clip that goes itself.
    """
    partners: dict[str, list[tuple[str, Pair, str]]] = defaultdict(list)
    for code, pairs in ((STRETCH, stretches), (COPY, copies)):
        for pair in pairs:
            if pair.leaks_between:
                partners[pair.first].append((pair.second, pair, code))
                partners[pair.second].append((pair.first, pair, code))
    clips = [row.clip for row in rows]
    drops: dict[str, Drop] = {}
    taken: set[str] = set()
    for place in sorted(range(len(clips)), key=lambda place: stays_before(clips, place)):
        clip_id = clips[place].clip_id
        against = [each for each in partners[clip_id] if each[0] in taken]
        if against:
            drops[clip_id] = _drop(clip_id, *against[0])
        else:
            taken.add(clip_id)
    return drops


def _drop(clip_id: str, other: str, pair: Pair, code: str) -> Drop:
    first = pair.first == clip_id
    split, fold = pair.splits[first], pair.folds[first]
    where = split if "splits" in pair.leaks_between else f"fold {fold}"
    what = (
        f"shows the same stretch of the same video as {other} ({pair.strength:.0%} of the shorter)"
        if code == STRETCH
        else f"is a {'mirrored ' if pair.mirrored else ''}copy of {other}"
        f" (correlation {pair.strength:.2f})"
    )
    return Drop(code, f"{clip_id}: {what}, which stays in {where}")


def _dropped(row: ClipRow, drop: Drop | None) -> ClipRow:
    if drop is None:
        return row
    return replace(row, status=drop.code, reason=drop.reason, shard=None, row=None)
