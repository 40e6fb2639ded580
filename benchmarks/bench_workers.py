"""Stage Workers: what a second worker brings a build, beside what it brings a mere loop.

Processor time says nothing here, so this is measured by the clock: on a machine that does nothing
else, or not at all.
"""

import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench_building import clips_of
from side_by_side import table

from signflow.annotations import ClipList
from signflow.store import Recipe, build_store
from signflow.video import Dis

TITLE = "Two workers"


def measure(data: Path, *, quick: bool) -> str:
    """The stage's part of the page."""
    counts, rounds, turns = ((24,), 1, 3_000_000) if quick else ((24, 171), 3, 100_000_000)
    found: dict[str, list[float]] = {f"{count} clips": [] for count in counts}
    found["a loop"] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for count in counts:
                listed = clips_of(data / "egogestar", count)
                one, two = (_build(listed, Path(folder), workers) for workers in (1, 2))
                found[f"{count} clips"].append(one / two)
            one, two = (_loops(turns, processes) for processes in (1, 2))
            found["a loop"].append(2 * one / two)
    rows = [
        [what, f"{statistics.median(times):.2f}", ", ".join(f"{time:.2f}" for time in times)]
        for what, times in found.items()
    ]
    return "\n\n".join(
        [
            "Clips of EgoGestAR with DIS, `--workers 2` beside `--workers 1`, their start included,"
            " and a loop of additions in two processes beside one, by the clock.",
            table(["what", "times as fast with two", "all rounds"], rows),
            "**The limit.** The loops share nothing but the machine: what a build gains"
            " beyond them is noise.",
        ]
    )


def _build(listed: ClipList, place: Path, workers: int) -> float:
    took = _clocked(
        lambda: build_store(listed, out=place / "store", recipe=Recipe(flow=Dis()), workers=workers)
    )
    shutil.rmtree(place / "store")
    return took


def _loops(turns: int, processes: int) -> float:
    """Seconds that so many processes take for a loop each; their start is not counted."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(_loop, [1] * processes, chunksize=1)
        return _clocked(lambda: pool.map(_loop, [turns] * processes, chunksize=1))


def _loop(turns: int) -> int:
    total = 0
    for number in range(turns):
        total += number
    return total


def _clocked(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
