"""How far do real signs move? Measures which flow bound loses nothing that matters.

    python benchmarks/flow_bound.py --data ../shared/data

reads the clips of egogestar/clips.csv and croatian_signs/*/*.mp4 under the given folder, takes of
each the report's 10 frames at 224 x 224, computes flow by both methods, and writes the table in
docs/flow.md. About three minutes on one core.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
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

# Sizes of motion and of errors are counted in steps of 1/1000 pixel up to 256 pixels: all values of
# a set would not fit into memory.
_TICKS_PER_PIXEL = 1000
_TICKS = 256 * _TICKS_PER_PIXEL


class Counts:
    """How often each size occurs."""

    def __init__(self) -> None:
        self._counts = np.zeros(_TICKS, dtype=np.int64)

    def add(self, sizes: NDArray[np.float32]) -> None:
        """Count sizes in pixels, from 0 on."""
        ticks = np.minimum(sizes * _TICKS_PER_PIXEL, _TICKS - 1).astype(np.intp)
        self._counts += np.bincount(ticks.ravel(), minlength=_TICKS)

    def percentile(self, p: float) -> float:
        """The size, in pixels, that p percent do not exceed."""
        reached = np.cumsum(self._counts) >= p / 100 * self._counts.sum()
        return (int(np.argmax(reached)) + 1) / _TICKS_PER_PIXEL

    def mean(self) -> float:
        """The mean size in pixels."""
        middles = (np.arange(_TICKS) + 0.5) / _TICKS_PER_PIXEL
        return float((self._counts * middles).sum() / self._counts.sum())


@dataclass
class BoundFigures:
    """What one bound costs, gathered clip by clip."""

    saturated: list[float] = field(default_factory=list)
    unexplained: list[float] = field(default_factory=list)
    errors: Counts = field(default_factory=Counts)


@dataclass
class Figures:
    """The motion in one set by one method, and what each bound makes of it."""

    motion: Counts = field(default_factory=Counts)
    largest: float = 0.0
    unexplained: list[float] = field(default_factory=list)
    bounds: dict[int, BoundFigures] = field(
        default_factory=lambda: {bound: BoundFigures() for bound in BOUNDS}
    )

    def add(self, flow: NDArray[np.float32], greys: list[NDArray[np.uint8]]) -> None:
        """Count one clip's flow between the pictures `greys`."""
        self.unexplained.append(unexplained(flow, greys))
        size = np.abs(flow)
        self.motion.add(size)
        self.largest = max(self.largest, float(size.max()))
        for bound, figures in self.bounds.items():
            stored, saturated = quantise_flow(flow, bound=bound)
            figures.saturated.append(saturated)
            again = dequantise_flow(stored, bound=bound)
            figures.errors.add(np.abs(again - flow))
            figures.unexplained.append(unexplained(again, greys))


def main(data: Path, page: Path = PAGE) -> None:
    """Measure, and write the tables between the page's markers.

    Args:
        data: the folder that holds egogestar and croatian_signs.
        page: the Markdown page to bring up to date.
    """
    sets = {"EgoGestAR": egogestar(data), "Croatian signs": croatian_signs(data)}
    methods: list[FlowMethod] = [Farneback(), Dis()]
    tables: dict[tuple[str, str], Figures] = {}
    still: dict[str, list[float]] = {title: [] for title in sets}
    disagreements = {title: Counts() for title in sets}
    with progress_bar() as progress:
        for title, clips in sets.items():
            task = progress.add_task(title, total=len(clips), note="")
            for clip in clips:
                frames = decode(clip)
                greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
                flows = [compute_flow(frames, method=method) for method in methods]
                for method, flow in zip(methods, flows, strict=True):
                    tables.setdefault((title, method.name), Figures()).add(flow, greys)
                still[title].append(unexplained(np.zeros_like(flows[0]), greys))
                disagreements[title].add(np.abs(flows[0] - flows[1]))
                progress.advance(task)
    lines = [
        "How far things move between neighbouring frames (|x| and |y|, pixels):",
        "",
        *motion_table(tables),
        "",
        "What each bound costs (the default in bold):",
        "",
        *bound_table(tables),
        "",
        "What flow leaves unexplained of the change from frame to frame (mean difference of grey"
        " values, 0 to 255):",
        "",
        *explanation_table(tables, still),
        "",
        "How far the two methods are apart (pixels):",
        "",
        *disagreement_table(disagreements),
    ]
    write_between_markers(page, "\n".join(lines))
    console.print("\n".join(lines), soft_wrap=True)


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


def unexplained(flow: NDArray[np.float32], greys: list[NDArray[np.uint8]]) -> float:
    """How far the next picture, moved back along the flow, is from the one before it."""
    height, width = flow.shape[1:3]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
    differences = [
        cv2.absdiff(
            before,
            cv2.remap(
                after, grid + motion, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            ),
        ).mean()
        for motion, (before, after) in zip(flow, pairwise(greys), strict=True)
    ]
    return float(np.mean(differences))


def motion_table(tables: dict[tuple[str, str], Figures]) -> Iterator[str]:
    """How far things move: percentiles of |x| and |y| over all pixels and pairs of frames."""
    yield "| set | method | " + " | ".join(f"{p:g} %" for p in PERCENTILES) + " | largest |"
    yield "|---|---|" + "---:|" * (len(PERCENTILES) + 1)
    for (title, method), figures in tables.items():
        cells = [f"{figures.motion.percentile(p):.2f}" for p in PERCENTILES]
        yield f"| {title} | {method} | {' | '.join(cells)} | {figures.largest:.1f} |"


def bound_table(tables: dict[tuple[str, str], Figures]) -> Iterator[str]:
    """What each bound loses."""
    yield (
        "| set | method | bound | step | saturated values | clips with more than 1 % saturated"
        " | mean error | 99.9 % of errors below | unexplained |"
    )
    yield "|---|---|" + "---:|" * 7
    for (title, method), figures in tables.items():
        for bound, cost in figures.bounds.items():
            shares = np.array(cost.saturated)
            mark: Callable[[str], str] = "**{}**".format if bound == DEFAULT_FLOW_BOUND else str
            yield (
                f"| {title} | {method} | {mark(str(bound))} | {bound / 127:.3f}"
                f" | {shares.mean():.4%} | {(shares > 0.01).sum()} of {len(shares)}"
                f" | {cost.errors.mean():.3f}"
                f" | {cost.errors.percentile(99.9):.2f} | {np.mean(cost.unexplained):.3f} |"
            )


def explanation_table(
    tables: dict[tuple[str, str], Figures], still: dict[str, list[float]]
) -> Iterator[str]:
    """How much of the change from frame to frame each method explains."""
    methods = sorted({method for _, method in tables})
    yield "| set | without flow | " + " | ".join(methods) + " |"
    yield "|---|" + "---:|" * (len(methods) + 1)
    for title, values in still.items():
        cells = [f"{np.mean(tables[title, method].unexplained):.2f}" for method in methods]
        yield f"| {title} | {np.mean(values):.2f} | {' | '.join(cells)} |"


def disagreement_table(disagreements: dict[str, Counts]) -> Iterator[str]:
    """How far Farneback's flow and DIS's are apart, in each of x and y."""
    yield "| set | mean | " + " | ".join(f"{p:g} %" for p in PERCENTILES) + " |"
    yield "|---|" + "---:|" * (len(PERCENTILES) + 1)
    for title, counts in disagreements.items():
        cells = [f"{counts.percentile(p):.2f}" for p in PERCENTILES]
        yield f"| {title} | {counts.mean():.2f} | {' | '.join(cells)} |"


def write_between_markers(page: Path, text: str, *, name: str = "measured") -> None:
    """Replace what stands between the page's two markers of this name."""
    before = page.read_text(encoding="utf-8")
    marked = re.compile(f"(<!-- {name} -->\n).*(<!-- /{name} -->)", re.DOTALL)
    if not marked.search(before):
        raise UserError(f"{page}: the markers <!-- {name} --> and <!-- /{name} --> are missing")
    with atomic_path(page) as beside:
        beside.write_text(
            marked.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", before), encoding="utf-8"
        )


if __name__ == "__main__":
    tyro.cli(main)
