"""Charts as SVG that takes its colours from the page around it; small, sharp, without scripts."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np

from signflow.evaluation.calibration import CalibrationBin
from signflow.evaluation.runs import RunRecord
from signflow.training import EpochMetrics

What = Literal["loss", "top1"]

_TRAIN: dict[What, Callable[[EpochMetrics], float]] = {
    "loss": lambda epoch: epoch.train_loss,
    "top1": lambda epoch: epoch.train_top1,
}
_VAL: dict[What, Callable[[EpochMetrics], float]] = {
    "loss": lambda epoch: epoch.val_loss,
    "top1": lambda epoch: epoch.val_top1,
}
_TITLES: dict[What, str] = {"loss": "loss", "top1": "top-1 accuracy"}


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """The space of a chart, in units of its SVG.

    Attributes:
        width, height: of the whole.
        left, right, top, bottom: margins around the plot.
        ticks: about how many the y axis has.
    """

    width: int
    height: int
    left: int
    right: int = 8
    top: int = 8
    bottom: int = 18
    ticks: int = 3

    @property
    def plot(self) -> tuple[int, int]:
        """Width and height of the plot."""
        return self.width - self.left - self.right, self.height - self.top - self.bottom


_SMALL = _Frame(width=240, height=132, left=38)
_LARGE = _Frame(width=760, height=400, left=48, bottom=30, ticks=6)


def learning_curves(
    runs: Sequence[RunRecord], what: What, *, large: bool = False, ceiling: float | None = None
) -> str:
    """Return an SVG of train and validation by epoch, with a line for each run.

    The page's CSS colours `.train` and `.val`. Rings mark the epochs whose weights were kept; a
    dotted line marks chance, where the number of classes is known.

    Args:
        runs: runs of one experiment, each with an epoch or more.
        what: "loss" or "top1".
        large: the enlarged form, with more ticks.
        ceiling: where the y axis ends; lines that go beyond are cut. None: above all values.
    """
    frame = _LARGE if large else _SMALL
    series = [(run, _values(run, _TRAIN[what]), _values(run, _VAL[what])) for run in runs]
    highest = max(value for _, train, val in series for value in (*train, *val))
    top = 1.0 if what == "top1" else ceiling or 1.05 * highest or 1.0
    epochs = max(2, *(run.config.epochs for run in runs))
    width, height = frame.plot

    def place(epoch: float, value: float) -> str:
        x = width * (epoch - 1) / (epochs - 1)
        return f"{x:.1f},{height * (1 - value / top):.1f}"

    lines = []
    for run, train, val in series:
        # A point would be lost among lines, and a line of one point is none.
        dots = len(train) == 1
        for name, values in (("train", train), ("val", val)):
            points = " ".join(place(e.epoch, v) for e, v in zip(run.history, values, strict=True))
            title = f"<title>{escape(f'seed {run.config.seed}, {name}')}</title>" if large else ""
            lines.append(f'<polyline class="{name}" points="{points}">{title}</polyline>')
            if dots:
                across, down = points.split(",")
                lines.append(f'<circle class="{name} dot" cx="{across}" cy="{down}" r="2.5"/>')
    rings = []
    for run, _, val in series:
        for epoch, value in zip(run.history, val, strict=True):
            if epoch.epoch == run.best_epoch:
                across, down = place(epoch.epoch, min(value, top)).split(",")
                radius = 5 if large else 3.5
                rings.append(f'<circle class="val" cx="{across}" cy="{down}" r="{radius}"/>')
    chance = _chance(runs, what)
    if chance is not None and chance < top:
        y = height * (1 - chance / top)
        lines.insert(0, f'<line class="chance" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>')
    marks = _y_axis(frame, top, percent=what == "top1") + _x_axis(frame, epochs)
    # A nested svg cuts what goes beyond the plot; the rings lie over its edge.
    body = (
        f'<svg x="{frame.left}" y="{frame.top}" width="{width}" height="{height}">'
        + "".join(lines)
        + f'</svg><g transform="translate({frame.left} {frame.top})">{"".join(rings)}</g>'
    )
    return _svg(frame, marks + body, label=_in_words(runs, what))


def ceiling_of(runs: Sequence[RunRecord]) -> float:
    """Return where the loss axis of small charts side by side should end.

    High enough for nine in ten of all losses and for a net that guesses, so that one run that
    diverged does not flatten all others.
    """
    losses = [v for run in runs for e in run.history for v in (e.train_loss, e.val_loss)]
    guessing = [chance for run in runs if (chance := _chance([run], "loss"))]
    return 1.1 * max([float(np.quantile(losses, 0.9)), *guessing])


def reliability_diagram(bins: Sequence[CalibrationBin]) -> str:
    """Return an SVG of accuracy by confidence, with Wilson's intervals and the share of clips."""
    frame = _Frame(width=360, height=320, left=44, right=20, bottom=34, ticks=5)
    width, height = frame.plot
    most = max((entry.clips for entry in bins), default=0) or 1
    parts = [f'<line class="chance" x1="0" y1="{height}" x2="{width}" y2="0"/>']
    for entry in bins:
        if entry.confidence is None or entry.accuracy.value is None:
            continue
        assert entry.accuracy.low is not None
        assert entry.accuracy.high is not None
        x, y = width * entry.confidence, height * (1 - entry.accuracy.value)
        column = height * 0.25 * entry.clips / most
        parts.append(
            f'<rect class="share" x="{width * entry.low + 1:.1f}" y="{height - column:.1f}"'
            f' width="{width * (entry.high - entry.low) - 2:.1f}" height="{column:.1f}"/>'
            f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}"'
            f' y1="{height * (1 - entry.accuracy.low):.1f}"'
            f' y2="{height * (1 - entry.accuracy.high):.1f}"/>'
            f'<circle class="test dot" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{entry.clips} clips:'
            f" confidence {100 * entry.confidence:.0f} %, recognised"
            f" {100 * entry.accuracy.value:.0f} %</title></circle>"
        )
    marks = _y_axis(frame, 1.0, percent=True)
    for share in (0, 0.2, 0.4, 0.6, 0.8, 1):
        x = frame.left + width * share
        marks += (
            f'<text x="{x:.1f}" y="{frame.top + height + 14}" text-anchor="middle">'
            f"{100 * share:.0f} %</text>"
        )
    marks += (
        f'<text x="{frame.left + width / 2}" y="{frame.height - 3}" text-anchor="middle">'
        "highest score</text>"
    )
    body = f'<g transform="translate({frame.left} {frame.top})">{"".join(parts)}</g>'
    counted = sum(entry.clips for entry in bins)
    return _svg(frame, marks + body, label=f"share recognised by highest score, {counted} clips")


def _values(run: RunRecord, of: Callable[[EpochMetrics], float]) -> list[float]:
    return [of(epoch) for epoch in run.history]


def _chance(runs: Sequence[RunRecord], what: What) -> float | None:
    classes = next((len(run.classes) for run in runs if run.classes), 0)
    if not classes:
        return None
    return 1 / classes if what == "top1" else math.log(classes)


def _y_axis(frame: _Frame, top: float, *, percent: bool) -> str:
    width, height = frame.plot
    marks = []
    for value in _round_steps(top, frame.ticks):
        y = frame.top + height * (1 - value / top)
        text = f"{100 * value:.0f} %" if percent else f"{value:g}"
        marks.append(
            f'<line class="grid" x1="{frame.left}" x2="{frame.left + width}"'
            f' y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{frame.left - 5}" y="{y + 3.5:.1f}" text-anchor="end">{text}</text>'
        )
    return "".join(marks)


def _x_axis(frame: _Frame, epochs: int) -> str:
    width, height = frame.plot
    shown = sorted({1, *(int(v) for v in _round_steps(epochs, 2 * frame.ticks) if v >= 1), epochs})
    marks = []
    for epoch in shown:
        x = frame.left + width * (epoch - 1) / (epochs - 1)
        if epoch != epochs and epochs - epoch < epochs / 12:
            continue
        marks.append(
            f'<text x="{x:.1f}" y="{frame.top + height + 13}" text-anchor="middle">{epoch}</text>'
        )
    return "".join(marks)


def _round_steps(top: float, count: int) -> list[float]:
    """Return about `count` round values from 0 to at most `top`."""
    rough = top / count
    size = 10 ** math.floor(math.log10(rough))
    step = min((m * size for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(s - rough))
    return [round(k * step, 10) for k in range(int(top / step + 1e-9) + 1)]


def _svg(frame: _Frame, body: str, *, label: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {frame.width} {frame.height}" role="img"'
        f' aria-label="{escape(label)}">{body}</svg>'
    )


def _in_words(runs: Sequence[RunRecord], what: What) -> str:
    """Say what the curves show, for those who cannot see them."""
    ends = [
        f"seed {run.config.seed}: after epoch {run.history[-1].epoch} of {run.config.epochs},"
        f" train {_TRAIN[what](run.history[-1]):.3f}, validation {_VAL[what](run.history[-1]):.3f}"
        for run in runs
    ]
    return f"{_TITLES[what]} by epoch; {'; '.join(ends)}"
