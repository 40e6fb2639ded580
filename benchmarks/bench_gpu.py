"""Stage GPU: training step, flow of a batch, and a step with flow computed on the fly.

Runs only where there is a GPU. Times are the clock's, with the device's queue emptied before and
after: what a GPU does is not processor time.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import plain
import torch
from bench_building import clips_of
from side_by_side import table
from torch import Tensor

from signflow.models import create_model, joint_loss
from signflow.store import Recipe, Store, build_store
from signflow.training import Batch
from signflow.training.batches import read_batch
from signflow.training.online import what_is_read, with_online_flow
from signflow.training.weights import model_shape
from signflow.video import Farneback, compute_flow
from signflow.video.farneback_torch import farneback_flow
from signflow.video.tensors import grey_of

TITLE = "GPU"
NET = "early-fusion"
Step = Callable[[], object]


def measure(data: Path, *, quick: bool) -> str:
    """The stage's part of the page."""
    if not torch.cuda.is_available():
        return "No GPU at hand."
    sizes, rounds = ((4,), 5) if quick else ((4, 16, 32), 20)
    name = torch.cuda.get_device_name()
    return f"On one {name}.\n\n" + measure_on(
        torch.device("cuda"), data, sizes=sizes, rounds=rounds
    )


def measure_on(
    device: torch.device, data: Path, *, sizes: tuple[int, ...], rounds: int, image_size: int = 224
) -> str:
    """Measure on any device, so that what is written here can be tried without a GPU."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = Recipe(flow=Farneback(), image_size=image_size)
        out = Path(folder) / "store"
        build_store(clips_of(data / "egogestar", max(sizes)), out=out, recipe=recipe, workers=0)
        store = Store.open(out)
        rows = [line for size in sizes for line in _training(device, store, size, rounds)]
        flow = _flow(device, store, max(sizes), rounds)
    moved, bandwidth = _weights(store) * 4 * 7, _bandwidth(device, rounds)
    head = ["what", "ms a step", "x plain", "share of the bandwidth", "least to most (ms)"]
    return "\n\n".join(
        [
            f"Steps of {NET} at {image_size} x {image_size}, the batch on the device.",
            table(head, [_share(row, moved, bandwidth) for row in rows]),
            f"**The limit.** Adam reads four numbers a weight and writes three, {moved / 1e9:.1f}"
            f" GB a step, at {bandwidth / 1e9:.0f} GB/s measured: {moved / bandwidth * 1e3:.1f} ms."
            " The share says how much of that a step would be if it did nothing else.",
            table(["flow", "ms a pair", "x OpenCV on one core"], flow),
        ]
    )


def _training(
    device: torch.device, store: Store, size: int, rounds: int
) -> list[tuple[str, list[float], float]]:
    """A line for each way: its name, seconds of all rounds, times as fast as plain."""
    steps: dict[str, Step] = {
        "plain, fp32": _plain_step(device, store, size),
        "signflow, fp32": _step(device, store, size),
        "signflow, bf16": _step(device, store, size, precision=torch.bfloat16),
        "signflow, bf16, torch.compile": _step(
            device, store, size, precision=torch.bfloat16, compiled=True
        ),
        "signflow, fp32, flow online": _step(device, store, size, online=True),
    }
    found: dict[str, list[float]] = {}
    # One after the other, each forgotten before the next: five nets with Adam's state are 32 GB.
    for name in list(steps):
        found[name] = _timed(device, steps.pop(name), rounds)
    usual = statistics.median(found["plain, fp32"])
    return [
        (f"batch {size}: {name}", times, usual / statistics.median(times))
        for name, times in found.items()
    ]


def _plain_step(device: torch.device, store: Store, size: int) -> Step:
    def begin() -> Step:
        batch = _batch(device, store, size)
        assert batch.rgb is not None
        assert batch.flow is not None
        rgb = batch.rgb[:, 0].permute(0, 3, 1, 2).float() / 127.5 - 1
        flow = (batch.flow.permute(0, 1, 4, 2, 3).flatten(1, 2).float() - 128) / 127
        # The loop makes its net on the processor: there is where a student would say `.cuda()`.
        with torch.device(device):
            losses = plain.train_steps(rgb, flow, batch.labels, classes=len(store.classes))
            next(losses)
        return lambda: next(losses)

    return _later(begin)


def _step(
    device: torch.device,
    store: Store,
    size: int,
    *,
    precision: torch.dtype = torch.float32,
    compiled: bool = False,
    online: bool = False,
) -> Step:
    def begin() -> Step:
        net = create_model(NET, shape=model_shape(store.recipe, store.classes)).to(device)
        model = torch.compile(net) if compiled else net
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-5, fused=True)
        batch = _batch(device, store, size, online=online)

        def step() -> None:
            seen = batch
            if online:
                seen = with_online_flow(batch, recipe=store.recipe, inputs=net.inputs)
            optimizer.zero_grad()
            half = precision != torch.float32
            with torch.autocast(device.type, dtype=precision, enabled=half):
                logits = model(rgb=seen.rgb, flow=seen.flow)
            joint_loss(logits.float(), seen.labels).backward()
            optimizer.step()

        return step

    return _later(begin)


def _later(begin: Callable[[], Step]) -> Step:
    """A step whose net is made with its first call, which nobody counts."""
    made: list[Step] = []

    def step() -> object:
        if not made:
            made.append(begin())
        return made[0]()

    return step


def _batch(device: torch.device, store: Store, size: int, *, online: bool = False) -> Batch:
    inputs = create_model(NET, shape=model_shape(store.recipe, store.classes)).inputs
    wanted = what_is_read(inputs, "online" if online else "stored")
    return read_batch(store, store.rows[:size], inputs=wanted).to(device)


def _flow(device: torch.device, store: Store, size: int, rounds: int) -> list[list[str]]:
    """Farneback of a whole batch on the device, beside OpenCV one pair after the other."""
    cv2.setNumThreads(1)
    frames = np.stack([store.sample(row.clip.clip_id).frames for row in store.rows[:size]])
    pairs = size * len(list(pairwise(frames[0])))
    grey = grey_of(torch.from_numpy(frames).to(device))
    batched = statistics.median(
        _timed(device, lambda: farneback_flow(grey, method=Farneback()), rounds)
    )

    def one_by_one() -> None:
        for clip in frames:
            compute_flow(clip, method=Farneback())

    alone = statistics.median(_timed(device, one_by_one, min(rounds, 3)))
    return [
        ["OpenCV on one core", f"{alone / pairs * 1e3:.2f}", "1.00"],
        [f"a batch of {size} clips", f"{batched / pairs * 1e3:.3f}", f"{alone / batched:.1f}"],
    ]


def _timed(device: torch.device, work: Step, rounds: int) -> list[float]:
    """Seconds of every round, after three that are not counted (compiling, choosing kernels)."""
    times = []
    for number in range(3 + rounds):
        _wait(device)
        started = time.perf_counter()
        work()
        _wait(device)
        if number >= 3:
            times.append(time.perf_counter() - started)
    return times


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _share(row: tuple[str, list[float], float], moved: float, bandwidth: float) -> list[str]:
    name, times, ratio = row
    median = statistics.median(times)
    least, most = min(times) * 1e3, max(times) * 1e3
    return [
        name,
        f"{median * 1e3:.2f}",
        f"{ratio:.2f}",
        f"{moved / bandwidth / median:.0%}",
        f"{least:.2f} to {most:.2f}",
    ]


def _weights(store: Store) -> int:
    with torch.device("meta"):
        net = create_model(NET, shape=model_shape(store.recipe, store.classes))
    return sum(weight.numel() for weight in net.parameters())


def _bandwidth(device: torch.device, rounds: int) -> float:
    """Bytes a second that the device reads and writes in long arrays."""
    length = 250_000_000 if device.type == "cuda" else 10_000_000
    one: Tensor = torch.rand(length, device=device)
    other = torch.rand(length, device=device)
    return 3 * 4 * length / min(_timed(device, lambda: one.add_(other), rounds))
