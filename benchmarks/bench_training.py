"""Stage Training: a step of early fusion on the CPU, `signflow train` beside the plain loop.

Each way runs in a process of its own, since how memory is kept is a process's business.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

import plain
import torch
import tyro
from bench_building import clips_of
from side_by_side import Turns, table

from signflow.store import Recipe, Store, build_store
from signflow.training import TrainConfig, epoch, low_memory
from signflow.training.environment import keep_large_blocks
from signflow.training.learner import make_learner
from signflow.training.low_memory import LowMemory
from signflow.training.weights import has_slow_bf16
from signflow.video import Dis

TITLE = "Training step"
Way = Literal[
    "plain, fp32",
    "signflow, fp32",
    "signflow, bf16",
    "signflow, fp32, --accumulate 2",
    "signflow, fp32, whole gradient",
    "signflow, fp32, Adam in pieces",
]
WAYS: tuple[Way, ...] = get_args(Way)


def measure(data: Path, *, quick: bool) -> str:
    """The stage's part of the page."""
    sizes, rounds = ((4,), 1) if quick else ((4, 16, 32), 3)
    emulated = has_slow_bf16(TrainConfig(precision="bf16-mixed"), device=torch.device("cpu"))
    ways = [way for way in WAYS if not (emulated and "bf16" in way)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        listed = clips_of(data / "egogestar", 1 + max(sizes) * STEPS)
        out = Path(folder) / "store"
        build_store(listed, out=out, recipe=Recipe(flow=Dis()), workers=0)
        for size in sizes:
            found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
            for number in range(rounds):
                for way in ways if number % 2 == 0 else reversed(ways):
                    found[way].append(_in_a_process(out, way, size))
            turns = Turns({way: [one["step"] for one in found[way]] for way in ways})
            plainly = max(one["peak"] for one in found["plain, fp32"])
            for way in ways:
                peak = max(one["peak"] for one in found[way])
                waited = max(one["waited"] for one in found[way])
                rows.append(
                    [
                        f"batch {size}: {way}",
                        f"{turns.median(way):.2f}",
                        f"{turns.ratio('plain, fp32', way):.2f}",
                        f"{peak / 1e9:.1f}",
                        f"{peak / plainly - 1:+.0%}",
                        "" if way == "plain, fp32" else f"{waited:.1%}",
                        turns.raw(way, unit=1),
                    ]
                )
            # This takes three quarters of an hour: what is there is not lost with the rest.
            print(*rows[-len(ways) :], sep="\n", file=sys.stderr, flush=True)
        (convolutions, dense), peak, bandwidth = _work(), _peak(), _bandwidth()
    adam = 401.5e6 * 4 * 6
    direct, in_tiles = convolutions + dense, convolutions * 36 / 100 + dense
    return "\n\n".join(
        [
            "Early fusion at 224 x 224 (401.5 M weights), one thread, processor seconds a step"
            f" (of {STEPS - 1}, after a first one that is not counted); the plain loop has its"
            " batch as floats in RAM."
            + (" This processor has no instructions for bf16." if emulated else ""),
            table(
                [
                    *("what", "s a step", "x plain", "peak memory (GB)", "beside plain"),
                    *("waits for data", "all rounds"),
                ],
                rows,
            ),
            f"**The limit.** A clip takes {direct / 1e9:.1f} GFLOP forwards and backwards, with"
            f" Winograd's tiles {in_tiles / 1e9:.1f}; one core was measured to do {peak / 1e9:.0f}"
            f" GFLOP/s in fp32: at batch 4 {4 * direct / peak:.2f} and {4 * in_tiles / peak:.2f} s,"
            f" at batch 32 {32 * direct / peak:.2f} and {32 * in_tiles / peak:.2f} s. Adam"
            f" reads three numbers a weight and writes them, {adam / 1e9:.1f} GB, at"
            f" {bandwidth / 1e9:.1f} GB/s measured: {adam / bandwidth:.2f} s whatever the batch."
            f" Weights and Adam's two moments are {adam / 2 / 1e9:.1f} GB, their gradient"
            f" {adam / 6 / 1e9:.1f} GB: it is there as a whole with `--low-memory off` only.",
        ]
    )


STEPS = 4
"""Of one process; the first is not counted."""


def _in_a_process(store: Path, way: str, size: int) -> dict[str, float]:
    words = [sys.executable, __file__, "--store", str(store), "--way", way, "--size", str(size)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main(*, store: Path, way: Way, size: int) -> None:
    """Take a few steps in one way, and print what they took as JSON."""
    torch.set_num_threads(1)
    if "in pieces" in way:
        low_memory.has_numba = lambda: False
    took, waited = (
        _plain(Store.open(store), size)
        if way == "plain, fp32"
        else _signflow(
            Store.open(store),
            size,
            "bf16-mixed" if "bf16" in way else "32-true",
            accumulate=2 if "accumulate" in way else 1,
            little="off" if "whole gradient" in way else "auto",
        )
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"step": took, "waited": waited, "peak": peak}))


def _plain(store: Store, size: int) -> tuple[float, float]:
    samples = [store.sample(row.clip.clip_id) for row in store.rows[1 : 1 + size]]
    rgb = torch.stack([torch.tensor(s.middle_frame).permute(2, 0, 1) for s in samples]).float()
    flow = torch.stack([torch.tensor(s.flow).permute(0, 3, 1, 2).flatten(0, 1) for s in samples])
    labels = torch.tensor([sample.label for sample in samples])
    steps = plain.train_steps(rgb / 127.5 - 1, (flow.float() - 128) / 127, labels, classes=2)
    next(steps)
    started = time.process_time()
    for _ in islice(steps, STEPS - 1):
        pass
    return (time.process_time() - started) / (STEPS - 1), 0.0


def _signflow(
    store: Store, size: int, precision: Any, *, accumulate: int, little: LowMemory
) -> tuple[float, float]:
    from lightning_fabric import Fabric

    config = TrainConfig(batch_size=size, precision=precision, accumulate=accumulate)
    rows = [row for row in store.rows if row.clip.split == "train"][: size * STEPS]
    keep_large_blocks()
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    learner = make_learner(fabric, config=config, store=store, train_rows=rows, low_memory=little)
    waits: list[float] = []
    ends: list[tuple[float, float]] = []
    read_ahead = epoch.read_ahead

    def timed(*words: Any, **options: Any) -> Iterator[Any]:
        batches = read_ahead(*words, **options)
        while True:
            started = time.monotonic()
            batch = next(batches, None)
            if batch is None:
                return
            waits.append(time.monotonic() - started)
            yield batch

    epoch.read_ahead = timed
    validate: Sequence[Any] = store.rows[:1]
    epoch.run_epoch(
        learner,
        store,
        train_rows=rows,
        val_rows=validate,
        after_step=lambda: ends.append((time.process_time(), time.monotonic())),
    )
    (begun, clock), (ended, last) = ends[0], ends[-1]
    share = sum(waits[1 : len(ends)]) / (last - clock)
    return (ended - begun) / (len(ends) - 1), share


def _work() -> tuple[float, float]:
    """Floating-point operations for one clip, of convolutions and of the large linear layer.

    They are 2 a multiplication and addition. There are three passes, forwards and to both
    gradients; pictures need no gradient.
    """
    first = 224 * 224 * 25 * 32 * (3 + 18)
    second = 112 * 112 * 25 * 32 * 64 * 2
    return 2.0 * (2 * first + 3 * second), 2.0 * 3 * 401_408 * 1000


def _peak() -> float:
    """What a large matrix product reaches on one core."""
    torch.set_num_threads(1)
    side = 1536
    one, other = torch.rand(side, side), torch.rand(side, side)
    best = float("inf")
    for _ in range(4):
        started = time.process_time()
        one @ other
        best = min(best, time.process_time() - started)
    return 2 * side**3 / best


def _bandwidth() -> float:
    """Bytes a second that one core reads and writes in long arrays."""
    one, other = torch.rand(50_000_000), torch.rand(50_000_000)
    best = float("inf")
    for _ in range(4):
        started = time.process_time()
        one.add_(other)
        best = min(best, time.process_time() - started)
    return 3 * 4 * len(one) / best


if __name__ == "__main__":
    tyro.cli(main)
