"""How far do real signs move? Measures which flow bound loses nothing that matters.

    python benchmarks/flow_bound.py --data ../shared/data

reads the clips of egogestar/clips.csv and croatian_signs/*/*.mp4 under the given folder, takes of
each the report's 10 frames at 224 x 224, computes flow by both methods, and writes the table in
docs/flow.md. About two minutes on one core.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tyro
from numpy.typing import NDArray

from signflow.errors import UserError
from signflow.files import atomic_path
from signflow.progress import console, progress_bar
from signflow.video import (
    DEFAULT_FLOW_BOUND,
    DecodedSpan,
    Dis,
    Farneback,
    FlowMethod,
    Span,
    compute_flow,
    decode_spans,
    dequantise_flow,
    quantise_flow,
)

BOUNDS = (8, 12, 16, 20, 24, 32, 48, 64)
PERCENTILES = (50, 90, 99, 99.9, 99.99)
PAGE = Path(__file__).parents[1] / "docs" / "flow.md"

# Sizes of motion and of errors are counted in bins of 1/100 and 1/1000 pixel: all values of a set
# would not fit into memory.
_MOTION_BINS = np.append(np.arange(0, 256, 0.01), np.inf)
_ERROR_BINS = np.append(np.arange(0, 256, 0.001), np.inf)


@dataclass
class BoundFigures:
    """What one bound costs, gathered clip by clip."""

    saturated: list[float] = field(default_factory=list)
    errors: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(len(_ERROR_BINS) - 1, dtype=np.int64)
    )


@dataclass
class Figures:
    """The motion in one set by one method, and what each bound makes of it."""

    motion: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(len(_MOTION_BINS) - 1, dtype=np.int64)
    )
    largest: float = 0.0
    bounds: dict[int, BoundFigures] = field(
        default_factory=lambda: {bound: BoundFigures() for bound in BOUNDS}
    )

    def add(self, flow: NDArray[np.float32]) -> None:
        """Count one clip's flow."""
        size = np.abs(flow)
        self.motion += np.histogram(size, _MOTION_BINS)[0]
        self.largest = max(self.largest, float(size.max()))
        for bound, figures in self.bounds.items():
            stored, saturated = quantise_flow(flow, bound=bound)
            figures.saturated.append(saturated)
            error = np.abs(dequantise_flow(stored, bound=bound) - flow)
            figures.errors += np.histogram(error, _ERROR_BINS)[0]


def main(data: Path, page: Path = PAGE) -> None:
    """Measure, and write the tables between the page's markers.

    Args:
        data: the folder that holds egogestar and croatian_signs.
        page: the Markdown page to bring up to date.
    """
    sets = {"EgoGestAR": egogestar(data), "Croatian signs": croatian_signs(data)}
    methods: list[FlowMethod] = [Farneback(), Dis()]
    tables: dict[tuple[str, str], Figures] = {}
    with progress_bar() as progress:
        for title, clips in sets.items():
            task = progress.add_task(title, total=len(clips), note="")
            for clip in clips:
                frames = decode(clip)
                for method in methods:
                    figures = tables.setdefault((title, method.name), Figures())
                    figures.add(compute_flow(frames, method=method))
                progress.advance(task)
    lines = [*motion_table(tables), "", *bound_table(tables)]
    write_between_markers(page, "\n".join(lines))
    console.print("\n".join(lines))


def egogestar(data: Path) -> list[Path]:
    """All clips of the gesture set."""
    table = data / "egogestar" / "clips.csv"
    if not table.exists():
        raise UserError(f"{table}: no such file; --data must be a folder with egogestar in it")
    with table.open(encoding="utf-8", newline="") as file:
        return [table.parent / row["source"] for row in csv.DictReader(file)]


def croatian_signs(data: Path) -> list[Path]:
    """All clips of the colour words."""
    return sorted((data / "croatian_signs").glob("*/*.mp4"))


def decode(clip: Path) -> NDArray[np.uint8]:
    """The report's frames of a whole clip: (10, 224, 224, 3)."""
    ((_, result),) = decode_spans(clip, spans=[Span()], count=10, size=(224, 224))
    if not isinstance(result, DecodedSpan):
        raise UserError(str(result))
    return result.frames


def motion_table(tables: dict[tuple[str, str], Figures]) -> Iterator[str]:
    """How far things move: percentiles of |x| and |y| over all pixels and pairs of frames."""
    yield "| set | method | " + " | ".join(f"{p:g} %" for p in PERCENTILES) + " | largest |"
    yield "|---|---|" + "---:|" * (len(PERCENTILES) + 1)
    for (title, method), figures in tables.items():
        cells = [f"{percentile(figures.motion, _MOTION_BINS, p):.2f}" for p in PERCENTILES]
        yield f"| {title} | {method} | {' | '.join(cells)} | {figures.largest:.1f} |"


def bound_table(tables: dict[tuple[str, str], Figures]) -> Iterator[str]:
    """What each bound loses."""
    yield (
        "| set | method | bound | step | saturated values | clips with more than 1 % saturated"
        " | mean error | 99.9 % of errors below |"
    )
    yield "|---|---|" + "---:|" * 6
    for (title, method), figures in tables.items():
        for bound, cost in figures.bounds.items():
            shares = np.array(cost.saturated)
            mark: Callable[[str], str] = "**{}**".format if bound == DEFAULT_FLOW_BOUND else str
            yield (
                f"| {title} | {method} | {mark(str(bound))} | {bound / 127:.3f}"
                f" | {shares.mean():.4%} | {(shares > 0.01).sum()} of {len(shares)}"
                f" | {mean(cost.errors, _ERROR_BINS):.3f}"
                f" | {percentile(cost.errors, _ERROR_BINS, 99.9):.2f} |"
            )


def percentile(counts: NDArray[np.int64], edges: NDArray[np.float64], p: float) -> float:
    """The upper edge of the bin below which p percent of the counted values lie."""
    reached = np.cumsum(counts) >= p / 100 * counts.sum()
    return float(edges[int(np.argmax(reached)) + 1])


def mean(counts: NDArray[np.int64], edges: NDArray[np.float64]) -> float:
    """The mean of counted values, taken to lie in the middle of their bins."""
    middles = np.append((edges[:-2] + edges[1:-1]) / 2, edges[-2])
    return float((counts * middles).sum() / counts.sum())


def write_between_markers(page: Path, text: str) -> None:
    """Replace what stands between the page's two markers."""
    before = page.read_text(encoding="utf-8")
    marked = re.compile(r"(<!-- measured -->\n).*(<!-- /measured -->)", re.DOTALL)
    if not marked.search(before):
        raise UserError(f"{page}: the markers <!-- measured --> and <!-- /measured --> are missing")
    with atomic_path(page) as beside:
        beside.write_text(
            marked.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", before), encoding="utf-8"
        )


if __name__ == "__main__":
    tyro.cli(main)
