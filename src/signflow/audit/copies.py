"""Near-identical clips under different names."""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path

import numpy as np

from signflow.annotations import Clip
from signflow.audit.book import Book, Sketches, spread
from signflow.audit.candidates import describe, find_candidates
from signflow.audit.matching import COPY_SCORE, Match, match
from signflow.audit.pairs import Pair, make_pair
from signflow.progress import progress_bar

_BATCH = 512
"""Pairs that a worker process compares at a time."""


def find_copies(
    book: Book, clips: Sequence[Clip], *, workers: int | None, known: set[frozenset[str]]
) -> list[Pair]:
    """Find the pairs of clips of which one is a copy of the other (see `signflow.audit.matching`).

    Args:
        book: sketches of the clips.
        clips: all clips of the set, in its order, which decides which of two stays.
        workers: processes; None: one per core.
        known: pairs of clip ids that are found already, by their annotations.
    """
    place = {clip.clip_id: number for number, clip in enumerate(clips)}
    ids = [row.clip.clip_id for row in book.rows]
    pairs = []
    for i, j, found in _compare(book, workers=workers):
        if frozenset((ids[i], ids[j])) not in known:
            strength = min(1.0, found.score)
            ours, theirs = place[ids[i]], place[ids[j]]
            pairs.append(make_pair(clips, ours, theirs, strength=strength, mirrored=found.mirrored))
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))


def _compare(book: Book, *, workers: int | None) -> Iterator[tuple[int, int, Match]]:
    numbers, descriptions, seconds = [], [], []
    for number in range(len(book.sketches)):
        sketch = book.sketches[number]
        if sketch is not None:
            numbers.append(number)
            descriptions.append(describe(sketch))
            seconds.append(float(sketch.times[-1]))
    if len(numbers) < 2:
        return
    candidates = find_candidates(np.stack(descriptions), np.array(seconds))
    pairs = [(numbers[i], numbers[j]) for i, j in candidates]
    rest = iter(pairs)
    batches = list(iter(lambda: list(islice(rest, _BATCH)), []))
    work = partial(_match_all, paths=book.paths)
    with progress_bar() as progress:
        task = progress.add_task("Comparing", total=len(pairs), note="")
        for done, found in spread(work, batches, workers=workers):
            progress.advance(task, done)
            yield from found


def _match_all(
    pairs: Sequence[tuple[int, int]], *, paths: tuple[Path, ...]
) -> tuple[int, list[tuple[int, int, Match]]]:
    sketches = _sketches(paths)
    found = []
    for i, j in pairs:
        ours, theirs = sketches[i], sketches[j]
        if ours is not None and theirs is not None:
            matched = match(ours, theirs)
            if matched.score >= COPY_SCORE:
                found.append((i, j, matched))
    return len(pairs), found


@lru_cache(maxsize=1)
def _sketches(paths: tuple[Path, ...]) -> Sketches:
    return Sketches(paths)
