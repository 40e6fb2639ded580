"""Is Farnebäck's flow in PyTorch that of OpenCV, and how long does it take?

    python benchmarks/flow_torch.py --data ../shared/data

takes of the clips of egogestar and croatian_signs the report's 10 frames, computes flow both ways
in turn on one thread, and writes the table in docs/flow.md. About ten minutes on one core;
`--every 5` takes a fifth of the clips.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
import tyro
from flow_bound import PAGE, croatian_signs, decode, egogestar, write_between_markers
from numpy.typing import NDArray

from signflow.progress import console, progress_bar
from signflow.video import Farneback, compute_flow, online_flow, quantise_flow
from signflow.video.farneback_torch import farneback_flow
from signflow.video.tensors import grey_of

BOUND = 64.0
METHODS = {
    "the default": Farneback(),
    "gaussian_window, winsize 15": Farneback(gaussian_window=True, winsize=15),
    "poly_n 7, poly_sigma 1.5, winsize 21": Farneback(poly_n=7, poly_sigma=1.5, winsize=21),
}

# OpenCV's own flow changes when grey values do by this much: less than that is chance.
_NOISE = 1e-4


@dataclass
class Figures:
    """The differences in one set by one method, clip by clip."""

    distances: list[float] = field(default_factory=list)
    far: list[float] = field(default_factory=list)
    same_byte: list[float] = field(default_factory=list)
    near_byte: list[float] = field(default_factory=list)
    by_noise: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    def add(self, frames: NDArray[np.uint8], method: Farneback) -> None:
        """Compare the two forms on one clip."""
        tensor = torch.from_numpy(frames)[None]
        started = time.perf_counter()
        expected = compute_flow(frames, method=method)
        between = time.perf_counter()
        flow = farneback_flow(grey_of(tensor), method=method)[0].numpy()
        ended = time.perf_counter()
        distance = np.linalg.norm(flow - expected, axis=-1)
        stored, _ = quantise_flow(expected, bound=BOUND)
        online = online_flow(tensor, method=method, bound=BOUND)[0].numpy()
        self.ratios.append((ended - between) / (between - started))
        self.distances.append(float(distance.mean()))
        self.far.append(float((distance > 0.1).mean()))
        self.same_byte.append(float((online == stored).mean()))
        self.near_byte.append(float((np.abs(online - stored) <= 1).mean()))
        noisy = np.linalg.norm(with_noise(frames, method) - expected, axis=-1)
        self.by_noise.append(float(noisy.mean()))


def main(data: Path, page: Path = PAGE, every: int = 1) -> None:
    """Measure, and write the table between the page's markers.

    Args:
        data: the folder that holds egogestar and croatian_signs.
        page: the Markdown page to bring up to date.
        every: take every so-many-th clip.
    """
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    sets = {"EgoGestAR": egogestar(data)[::every], "Croatian signs": croatian_signs(data)[::every]}
    tables: dict[tuple[str, str], Figures] = {}
    with progress_bar() as progress:
        for title, clips in sets.items():
            task = progress.add_task(title, total=len(clips), note="")
            for clip in clips:
                frames = decode(clip)
                for name, method in METHODS.items():
                    tables.setdefault((title, name), Figures()).add(frames, method)
                progress.advance(task)
    lines = list(table(tables))
    write_between_markers(page, "\n".join(lines), name="torch")
    console.print("\n".join(lines), soft_wrap=True)


def with_noise(frames: NDArray[np.uint8], method: Farneback) -> NDArray[np.float32]:
    """OpenCV's flow of grey values that are off by a ten-thousandth."""
    random = np.random.default_rng(0)
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) for frame in frames]
    noisy = [
        (grey + _NOISE * random.standard_normal(grey.shape)).astype(np.float32) for grey in greys
    ]
    return np.stack([method.between(*pair) for pair in pairwise(noisy)])  # type: ignore[arg-type]


def table(tables: dict[tuple[str, str], Figures]) -> Iterator[str]:
    """A row for each set and method."""
    yield (
        "| set | clips | parameters | mean distance | worst clip's mean | farther than 0.1"
        " | same byte | at most a step off | OpenCV after noise | time / OpenCV's |"
    )
    yield "|---|---:|---|" + "---:|" * 7
    for (title, name), figures in tables.items():
        yield (
            f"| {title} | {len(figures.distances)} | {name} | {np.mean(figures.distances):.5f}"
            f" | {max(figures.distances):.4f} | {np.mean(figures.far):.3%}"
            f" | {np.mean(figures.same_byte):.3%} | {np.mean(figures.near_byte):.4%}"
            f" | {np.mean(figures.by_noise):.5f} | {np.median(figures.ratios):.1f} |"
        )


if __name__ == "__main__":
    tyro.cli(main)
