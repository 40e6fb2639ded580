"""Signed flow in a byte: 128 is no motion."""

import numpy as np
from numpy.typing import NDArray

DEFAULT_FLOW_BOUND = 64.0
"""Pixels that the ends of the scale stand for; measured in docs/flow.md."""

ZERO = 128
"""The byte that stands for no motion."""

STEPS = 127
"""Steps from no motion to the bound, on either side: bytes 1 .. 255."""

_BLOCK = 65536
"""Values at a time: they stay in cache, where whole clips would be in memory that is fresh."""


def quantise_flow(flow: NDArray[np.floating], *, bound: float) -> tuple[NDArray[np.uint8], float]:
    """Store signed flow in bytes.

        byte      1 ... 127   128   129 ... 255
        pixels  -bound .. -step  0  step .. +bound      step = bound / 127

    Values are rounded to the nearest step: the error is at most half a step. What would need a
    step beyond the bound saturates, at 1 or 255. The byte 0 is never written.

    Args:
        flow: any shape, in pixels, without NaN.
        bound: the largest motion, in pixels, that can be told apart; above 0.

    Returns:
        bytes of the same shape, and the share of saturated values, 0 to 1.

    Raises:
        ValueError: bound is not above 0, or flow holds NaN.

    Example:
        >>> quantise_flow(np.array([0.0, 20.0, -99.0]), bound=20)
        (array([128, 255,   1], dtype=uint8), 0.3333333333333333)
    """
    _check_bound(bound)
    values = np.ravel(flow)
    stored, saturated = np.empty(values.shape, dtype=np.uint8), 0
    for start in range(0, values.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        steps = np.multiply(values[block], STEPS / bound)
        np.rint(steps, out=steps)
        least, most = steps.min(), steps.max()
        if np.isnan(least):
            raise ValueError("flow holds NaN, but must be numbers of pixels")
        if least < -STEPS or most > STEPS:
            saturated += int(np.count_nonzero(np.abs(steps) > STEPS))
            np.clip(steps, -STEPS, STEPS, out=steps)
        steps += ZERO
        stored[block] = steps
    return stored.reshape(np.shape(flow)), saturated / values.size if values.size else 0.0


def dequantise_flow(stored: NDArray[np.uint8], *, bound: float) -> NDArray[np.float32]:
    """The inverse of `quantise_flow`, up to half a step.

    Args:
        stored: uint8, any shape.
        bound: as it was stored with.

    Returns:
        float32 of the same shape, in pixels, -bound to bound.

    Raises:
        ValueError: bound is not above 0.
    """
    _check_bound(bound)
    steps = np.maximum(stored.astype(np.float32) - ZERO, -STEPS)
    return (steps * np.float32(bound / STEPS)).astype(np.float32)


def _check_bound(bound: float) -> None:
    if not 0 < bound < float("inf"):
        raise ValueError(f"bound is {bound}, but must be a number of pixels above 0")
