"""ReLU and max pooling of 2 x 2 in one pass over the pictures, compiled by numba.

Numbers are compared as the whole numbers that their bits are: from 0 on both order alike, and those
below 0 are below it. Import this module only where numba is.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from signflow.compiled import compile_kernel
from signflow.compiled.lanes import part
from signflow.compiled.threads import share_out

Bits = NDArray[np.int32] | NDArray[np.int16]
Layout = Literal["planes", "pixels"]

NONE = np.uint8(4)
"""Says of four pixels, numbered row by row, that none is above 0."""


class _Kernels(NamedTuple):
    forwards: Callable[..., None]
    backwards: Callable[..., None]


def pool(
    bits: Bits,
    pooled: Bits,
    chosen: NDArray[np.uint8],
    *,
    infinity: int,
    layout: Layout,
    threads: int,
) -> None:
    """The largest of four pixels, where it is above 0; what is no number is the largest.

    Args:
        bits: of the pictures, (N, H, W), or in the layout "pixels" (N, H, W, C).
        pooled: is written to, (N, H // 2, W // 2), and C.
        chosen: is written to, alike: which of the four it was, 0 to 3, or `NONE`.
        infinity: the bits of what is no number are above these.
        layout: whether each channel is a picture of its own, or a pixel's are side by side.
        threads: how many do this.
    """
    forwards = _kernels(layout, bits.dtype).forwards
    zero, largest = bits.dtype.type(0), bits.dtype.type(np.iinfo(bits.dtype).max)

    def work(begin: int, end: int) -> None:
        forwards(bits, pooled, chosen, zero, largest, bits.dtype.type(infinity), begin, end)

    share_out(work, len(bits), threads=threads)


def unpool(
    bits: Bits, pooled: Bits, chosen: NDArray[np.uint8], *, layout: Layout, threads: int
) -> None:
    """The gradient on its way back: `pooled` where a pixel was chosen, else 0; see `pool`."""
    backwards = _kernels(layout, bits.dtype).backwards
    zero = bits.dtype.type(0)

    def work(begin: int, end: int) -> None:
        backwards(bits, pooled, chosen, zero, begin, end)

    share_out(work, len(bits), threads=threads)


@lru_cache
def _kernels(layout: Layout, of: np.dtype[Any]) -> _Kernels:
    number = types.int32 if of == np.int32 else types.int16
    dimensions = 3 if layout == "planes" else 4
    arrays = [types.Array(kind, dimensions, "C") for kind in (number, number, types.uint8)]
    both = (types.intp, types.intp)
    forwards, backwards = (
        (pool_planes, unpool_planes) if layout == "planes" else (pool_pixels, unpool_pixels)
    )
    sources = [Path(__file__)]
    return _Kernels(
        compile_kernel(forwards, takes=(*arrays, number, number, number, *both), sources=sources),
        compile_kernel(backwards, takes=(*arrays, number, *both), sources=sources),
    )


@part
def _larger(best, at, number, here, largest, infinity):
    size = number & largest
    if number > best or size > infinity:
        return size, here
    return best, at


def pool_planes(bits, pooled, chosen, zero, largest, infinity, begin, end):
    """See `pool`."""
    height, width = pooled.shape[1:]
    for plane in range(begin, end):
        for y in range(height):
            upper, lower = bits[plane, 2 * y], bits[plane, 2 * y + 1]
            above, which = pooled[plane, y], chosen[plane, y]
            for x in range(width):
                best, at = _larger(zero, NONE, upper[2 * x], np.uint8(0), largest, infinity)
                best, at = _larger(best, at, upper[2 * x + 1], np.uint8(1), largest, infinity)
                best, at = _larger(best, at, lower[2 * x], np.uint8(2), largest, infinity)
                best, at = _larger(best, at, lower[2 * x + 1], np.uint8(3), largest, infinity)
                above[x], which[x] = best, at


def unpool_planes(bits, pooled, chosen, zero, begin, end):
    """See `unpool`."""
    height, width = pooled.shape[1:]
    for plane in range(begin, end):
        bits[plane, 2 * height :] = zero
        for y in range(height):
            upper, lower = bits[plane, 2 * y], bits[plane, 2 * y + 1]
            above, which = pooled[plane, y], chosen[plane, y]
            upper[2 * width :] = zero
            lower[2 * width :] = zero
            for x in range(width):
                upper[2 * x] = above[x] if which[x] == 0 else zero
                upper[2 * x + 1] = above[x] if which[x] == 1 else zero
            for x in range(width):
                lower[2 * x] = above[x] if which[x] == 2 else zero
                lower[2 * x + 1] = above[x] if which[x] == 3 else zero


def pool_pixels(bits, pooled, chosen, zero, largest, infinity, begin, end):
    """See `pool`."""
    height, width, channels = pooled.shape[1:]
    for picture in range(begin, end):
        for y in range(height):
            upper, lower = bits[picture, 2 * y], bits[picture, 2 * y + 1]
            for x in range(width):
                one, two = upper[2 * x], upper[2 * x + 1]
                three, four = lower[2 * x], lower[2 * x + 1]
                above, which = pooled[picture, y, x], chosen[picture, y, x]
                for c in range(channels):
                    best, at = _larger(zero, NONE, one[c], np.uint8(0), largest, infinity)
                    best, at = _larger(best, at, two[c], np.uint8(1), largest, infinity)
                    best, at = _larger(best, at, three[c], np.uint8(2), largest, infinity)
                    best, at = _larger(best, at, four[c], np.uint8(3), largest, infinity)
                    above[c], which[c] = best, at


def unpool_pixels(bits, pooled, chosen, zero, begin, end):
    """See `unpool`."""
    height, width, channels = pooled.shape[1:]
    for picture in range(begin, end):
        bits[picture, 2 * height :] = zero
        for y in range(height):
            upper, lower = bits[picture, 2 * y], bits[picture, 2 * y + 1]
            upper[2 * width :] = zero
            lower[2 * width :] = zero
            for x in range(width):
                one, two = upper[2 * x], upper[2 * x + 1]
                three, four = lower[2 * x], lower[2 * x + 1]
                above, which = pooled[picture, y, x], chosen[picture, y, x]
                for c in range(channels):
                    one[c] = above[c] if which[c] == 0 else zero
                    two[c] = above[c] if which[c] == 1 else zero
                    three[c] = above[c] if which[c] == 2 else zero
                    four[c] = above[c] if which[c] == 3 else zero
