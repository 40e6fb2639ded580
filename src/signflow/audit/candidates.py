"""Which of many clips may be copies of each other: the few pairs that are worth a closer look.

A perceptual hash with real numbers in place of bits: a bit flips where its cell lies near the
threshold, which a cut of 5 % does to many; numbers bend. Every pair is looked at, but as products
of matrices: 25,000 clips are a matter of a minute.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from signflow.audit.matching import LEAST_SHARED
from signflow.audit.sketches import Sketch

Floats = NDArray[np.float32]

CELLS = 8
"""A description has 8 x 8 cells for what stands still, and as many for where it moves."""

_PARTS = (
    (slice(0, 8), slice(0, 8)),
    (slice(0, 5), slice(0, 8)),
    (slice(3, 8), slice(0, 8)),
    (slice(0, 8), slice(0, 5)),
    (slice(0, 8), slice(3, 8)),
)
"""The whole picture, and its halves: a logo or a banner leaves one of them as it was."""

LEAST_ALIKE = ((0.5, 0.6), *((0.85, 0.8),) * 4)
"""Correlations that a pair needs in one of the parts: of the still picture, and of where it moves.
What real copies have, and how many other pairs pass, stands in docs/audit.md."""

_BLOCK = 256


def describe(sketch: Sketch) -> Floats:
    """Describe a sketch in float32 (2, 8, 8): its mean picture, and where it changes how much.

    Neither knows of time: a trimmed copy has nearly the same.
    """
    frames = sketch.frames.astype(np.float32)
    pictures = frames.mean(axis=0), np.sqrt(frames.std(axis=0))
    small = [cv2.resize(each, (CELLS, CELLS), interpolation=cv2.INTER_AREA) for each in pictures]
    return np.stack(small).astype(np.float32)


def find_candidates(
    descriptions: Floats, seconds: NDArray[np.float64]
) -> Iterator[tuple[int, int]]:
    """Find pairs that look alike in some part of the picture, as they are or mirrored.

    Args:
        descriptions: float32 (N, 2, 8, 8), of `describe`.
        seconds: float64 (N,), how long each clip's sketch is.

    Yields:
        pairs (i, j) of positions, i < j, ascending.
    """
    as_they_are = [_normal(descriptions, part) for part in _PARTS]
    mirrored = [_normal(descriptions[..., ::-1], part) for part in _PARTS]
    for start in range(0, len(descriptions), _BLOCK):
        block = slice(start, start + _BLOCK)
        shorter = np.minimum.outer(seconds[block], seconds[start:])
        longer = np.maximum.outer(seconds[block], seconds[start:])
        alike = np.zeros(shorter.shape, dtype=bool)
        for ours, straight, flipped, least in zip(
            as_they_are, as_they_are, mirrored, LEAST_ALIKE, strict=True
        ):
            for theirs in (straight, flipped):
                still = ours[0, block] @ theirs[0, start:].T >= least[0]
                alike |= still & (ours[1, block] @ theirs[1, start:].T >= least[1])
        alike &= shorter >= LEAST_SHARED * longer
        for first, second in np.argwhere(np.triu(alike, k=1)).tolist():
            yield start + first, start + second


def _normal(descriptions: Floats, part: tuple[slice, slice]) -> Floats:
    """Cells of a part as float32 (2, N, cells), without a mean and of length 1 each."""
    cells = descriptions[:, :, *part].reshape(*descriptions.shape[:2], -1).swapaxes(0, 1)
    cells = cells - cells.mean(axis=2, keepdims=True)
    normal: Floats = cells / (np.linalg.norm(cells, axis=2, keepdims=True) + 1e-6)
    return normal
