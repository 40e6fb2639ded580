"""Near-identical clips under different names."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from signflow.annotations import Clip
from signflow.audit.book import Book, Sketches, spread
from signflow.audit.candidates import describe, find_candidates
from signflow.audit.matching import COPY_SCORE, Match, match
from signflow.audit.pairs import Pair, make_pair
from signflow.files import read_json, write_json
from signflow.progress import progress_bar
from signflow.store.recipe import fingerprint

_BATCH = 512
"""Pairs that a worker process compares at a time."""

_KEEP_SECONDS = 5.0
"""How far the comparison came is written when the last writing is older than this."""


def find_copies(
    book: Book,
    clips: Sequence[Clip],
    *,
    workers: int | None,
    known: set[frozenset[str]],
    kept: Path,
) -> list[Pair]:
    """Find the pairs of clips of which one is a copy of the other (see `signflow.audit.matching`).

    Args:
        book: sketches of the clips.
        clips: all clips of the set, in its order, which decides which of two stays.
        workers: processes; None: one per core.
        known: pairs of clip ids that are found already, by their annotations.
        kept: a file that says how far the comparison came, to go on from there.
    """
    place = {clip.clip_id: number for number, clip in enumerate(clips)}
    ids = [row.clip.clip_id for row in book.rows]
    pairs = []
    for i, j, found in _compare(book, workers=workers, kept=kept):
        if frozenset((ids[i], ids[j])) not in known:
            strength = min(1.0, found.score)
            ours, theirs = place[ids[i]], place[ids[j]]
            pairs.append(make_pair(clips, ours, theirs, strength=strength, mirrored=found.mirrored))
    return sorted(pairs, key=lambda pair: (pair.first, pair.second))


def _compare(book: Book, *, workers: int | None, kept: Path) -> Iterator[tuple[int, int, Match]]:
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
    batches = [
        _Batch(number, pairs[start : start + _BATCH])
        for number, start in enumerate(range(0, len(pairs), _BATCH))
    ]
    of = fingerprint([COPY_SCORE, _BATCH, [path.name for path in book.paths]])
    done = _read_kept(kept, of)
    todo = [batch for batch in batches if str(batch.number) not in done]
    written = time.monotonic()
    with progress_bar() as progress:
        task = progress.add_task("Comparing", total=sum(len(b.pairs) for b in todo), note="")
        for batch, found in spread(partial(_match_all, paths=book.paths), todo, workers=workers):
            done[str(batch.number)] = found
            progress.advance(task, len(batch.pairs))
            if time.monotonic() - written > _KEEP_SECONDS:
                write_json(kept, {"of": of, "done": done})
                written = time.monotonic()
    write_json(kept, {"of": of, "done": done})
    for found in done.values():
        for i, j, score, shift, mirrored in found:
            yield i, j, Match(score, shift, mirrored)


@dataclass(frozen=True)
class _Batch:
    number: int
    pairs: list[tuple[int, int]]


Found = list[tuple[int, int, float, float, bool]]
"""Of each pair that matched: its two numbers, then what `Match` holds."""


def _read_kept(kept: Path, of: str) -> dict[str, Found]:
    if not kept.is_file():
        return {}
    values = read_json(kept, what="how far a comparison came")
    return dict(values["done"]) if values.get("of") == of else {}


def _match_all(batch: _Batch, *, paths: tuple[Path, ...]) -> tuple[_Batch, Found]:
    sketches = _sketches(paths)
    found: Found = []
    for i, j in batch.pairs:
        ours, theirs = sketches[i], sketches[j]
        if ours is not None and theirs is not None:
            matched = match(ours, theirs)
            if matched.score >= COPY_SCORE:
                found.append((i, j, matched.score, float(matched.shift), matched.mirrored))
    return batch, found


@lru_cache(maxsize=1)
def _sketches(paths: tuple[Path, ...]) -> Sketches:
    return Sketches(paths)
