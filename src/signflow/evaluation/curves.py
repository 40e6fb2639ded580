"""Learning curves as SVG that takes its colours from the page around it."""

import io
import re
from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from signflow.evaluation.runs import RunRecord
from signflow.training import EpochMetrics

# Matplotlib knows no CSS variables: each colour below stands for one, and is replaced in the SVG.
_TRAIN, _VAL, _FAINT, _LINE = "#010101", "#020202", "#030303", "#040404"
_VARIABLES = {_TRAIN: "--train", _VAL: "--val", _FAINT: "--faint", _LINE: "--line"}
_SIZE = (4.7, 2.3)  # inches


def loss_curves(run: RunRecord) -> str:
    """Return an SVG of the train and validation loss by epoch, for use within an HTML page.

    The page's CSS variables `--train`, `--val`, `--faint` and `--line` colour it. The epoch whose
    weights were kept is marked.
    """
    return _curves(
        run, "loss", [e.train_loss for e in run.history], [e.val_loss for e in run.history]
    )


def top1_curves(run: RunRecord) -> str:
    """Return an SVG of the train and validation top-1 accuracy by epoch, as `loss_curves` does.

    A dotted line marks chance, where the number of classes is known.
    """
    return _curves(
        run,
        "top-1 accuracy",
        [e.train_top1 for e in run.history],
        [e.val_top1 for e in run.history],
    )


def _curves(run: RunRecord, what: str, train: Sequence[float], val: Sequence[float]) -> str:
    with rc_context(
        {
            "svg.fonttype": "none",
            # Names within an SVG hang on the salt; two charts on one page must not share them.
            "svg.hashsalt": f"{run.path} {what}",
            "font.size": 9,
            "text.color": _FAINT,
            "axes.linewidth": 0.8,
        }
    ):
        figure = Figure(figsize=_SIZE)
        axes = figure.add_axes((0.1, 0.12, 0.88, 0.8))
        _draw_line(axes, run.history, train, _TRAIN)
        _draw_line(axes, run.history, val, _VAL)
        _mark_best(axes, run, val)
        margin = 0.02 * run.config.epochs
        axes.set_xlim(1 - margin, max(run.config.epochs, 2) + margin)
        if what == "loss":
            axes.set_ylim(bottom=0)
        else:
            axes.set_ylim(0, 1.02)
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            if run.classes:
                axes.axhline(1 / len(run.classes), color=_FAINT, linewidth=0.8, linestyle=":")
        _style(axes)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return _for_html(text.getvalue(), label=_in_words(run, what, train, val))


def _draw_line(
    axes: Axes, history: Sequence[EpochMetrics], values: Sequence[float], colour: str
) -> None:
    # Points keep a single epoch visible, which a line alone would not.
    marker = "o" if len(history) < 30 else ""
    epochs = [entry.epoch for entry in history]
    axes.plot(epochs, values, color=colour, linewidth=1.6, marker=marker, markersize=2.6)


def _mark_best(axes: Axes, run: RunRecord, val: Sequence[float]) -> None:
    for entry, value in zip(run.history, val, strict=True):
        if entry.epoch == run.best_epoch:
            axes.axvline(entry.epoch, color=_LINE, linewidth=1, zorder=0)
            axes.plot([entry.epoch], [value], "o", markersize=7, markerfacecolor="none", color=_VAL)


def _style(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.grid(axis="y", color=_LINE, linewidth=0.8)
    axes.tick_params(colors=_FAINT, length=0, pad=4)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(_LINE)


def _for_html(svg: str, *, label: str) -> str:
    """Return the bare `<svg>` element, named, sized by the page and coloured by it."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Plain names such as line2d_1 are the same in every figure, and nothing refers to them.
    svg = re.sub(r' id="[\w.]+_\d+"', "", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def _in_words(run: RunRecord, what: str, train: Sequence[float], val: Sequence[float]) -> str:
    """Say what the curve shows, for those who cannot see it; plain letters and digits only."""
    last = run.history[-1].epoch
    return (
        f"{what} by epoch: after epoch {last} of {run.config.epochs}, train {train[-1]:.3f},"
        f" validation {val[-1]:.3f}"
    )
