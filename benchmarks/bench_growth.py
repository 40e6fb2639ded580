"""Stage Growth: does anything bend as a set grows? Time, size and memory by number of clips."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from side_by_side import spent_by_signflow, table

from signflow.store import RECIPES

TITLE = "Growth"
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "growth.png"
IMAGE_SIZE = RECIPES["standard"].image_size


@dataclass(frozen=True)
class Grown:
    """What so many clips take: processor seconds, millions of bytes."""

    clips: int
    build: float
    build_peak: float
    store: float
    epoch: float
    epoch_peak: float


def measure(data: Path, *, quick: bool) -> str:
    """The stage's part of the page; needs no data but what it renders."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = (40, 80, 160) if quick else (250, 1000, 4000)
        grown = [_grow(Path(folder), clips) for clips in sizes]
    if not quick:
        _draw(grown)
    rows = [
        [
            f"{one.clips:,}",
            f"{one.build:.1f}",
            f"{one.build / one.clips * 1e3:.1f}",
            f"{one.store:.1f}",
            f"{one.store / one.clips * 1e3:.0f}",
            f"{one.epoch:.1f}",
            f"{one.epoch / one.clips * 1e3:.1f}",
            f"{one.build_peak:.0f}",
            f"{one.epoch_peak:.0f}",
        ]
        for one in grown
    ]
    head = ["clips", "build (s)", "ms a clip", "store (MB)", "kB a clip", "training (s)"]
    head += ["ms a clip", "peak, build (MB)", "peak, training (MB)"]
    return "\n\n".join(
        [
            f"Rendered clips of 160 x 120, stores of {IMAGE_SIZE} x {IMAGE_SIZE}, built in one"
            " process; training is one epoch of temporal at batch size 16, all of the command."
            " Processor seconds.",
            table(head, rows),
            "Straight lines through them, by least squares, and how far the farthest point is from"
            " its line, as a share of the point:",
            table(["what", "at 0 clips", "for 1,000 clips", "farthest point"], _fits(grown)),
            *([] if quick else ["![Growth](images/growth.png)"]),
            "What a command needs before its first clip (imports, the net) is in every line, so the"
            " costs a clip fall a little; a cost that rises would be a bug.",
        ]
    )


def _grow(place: Path, clips: int) -> Grown:
    data, store, run = (place / f"{what}-{clips}" for what in ("set", "store", "run"))
    part = clips // 8
    size = ("--width", 160, "--height", 120)
    spent_by_signflow(
        "synth", data, "--train", clips - 2 * part, "--val", part, "--test", part, *size
    )
    words = ("--workers", 0, "--out", store)
    build, build_peak = spent_by_signflow("build", data, "--videos", data / "videos", *words)
    words = ("--model", "temporal", "--epochs", 1, "--device", "cpu", "--out", run)
    epoch, epoch_peak = spent_by_signflow("train", store, *words)
    kept = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    for made in (data, store, run):
        shutil.rmtree(made)
    return Grown(clips, build, build_peak, kept / 1e6, epoch, epoch_peak)


def _lines(grown: list[Grown]) -> dict[str, list[float]]:
    return {
        "build (s)": [one.build for one in grown],
        "store (MB)": [one.store for one in grown],
        "training (s)": [one.epoch for one in grown],
        "peak, build (MB)": [one.build_peak for one in grown],
        "peak, training (MB)": [one.epoch_peak for one in grown],
    }


def _fits(grown: list[Grown]) -> list[list[str]]:
    clips = np.array([one.clips for one in grown])
    rows = []
    for name, values in _lines(grown).items():
        slope, start = np.polyfit(clips, values, 1)
        farthest = np.max(np.abs(start + slope * clips - values) / values)
        rows.append([name, f"{start:.1f}", f"{slope * 1000:z.1f}", f"{farthest:.1%}"])
    return rows


def _draw(grown: list[Grown]) -> None:
    figure = Figure(figsize=(11, 2.6), layout="constrained")
    clips = [one.clips for one in grown]
    lines = _lines(grown)
    for axes, (name, values) in zip(figure.subplots(1, len(lines)), lines.items(), strict=True):
        axes.plot(clips, values, "o")
        slope, start = np.polyfit(clips, values, 1)
        ends = np.array([0, clips[-1]])
        axes.plot(ends, start + slope * ends, linewidth=1)
        axes.set(title=name, xlabel="clips", ylim=(0, 1.1 * max(values)))
    figure.savefig(PICTURE, dpi=90)
