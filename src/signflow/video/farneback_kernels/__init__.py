"""The arithmetic of Farneback's method, compiled by numba: import it only where it is used.

Compared with OpenCV's, which this follows rounding by rounding where that matters:

- All iterations of a level go over the picture in one pass, each a window behind the one before
  it, so that what they read stays in the cache (`update`).
- Flow is smooth: most stretches of eight pixels look at the same two or three rows and columns
  of the next picture. Then plain loads and weights, some of them zero, replace a gather (`lookup`).
- The window is summed along the row in float32, then down the columns by a running sum in float64
  (`window`).
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from numba import types

from signflow.compiled import compile_kernel
from signflow.compiled.lanes import LANES
from signflow.video.farneback_kernels.expansion import expand
from signflow.video.farneback_kernels.rows import GUARD, round_up
from signflow.video.farneback_kernels.update import update_flow

__all__ = ["GUARD", "LANES", "Kernels", "compile_kernels", "round_up"]


class Kernels(NamedTuple):
    """The compiled functions; each works on one picture and level."""

    expand: Callable[..., None]
    update_flow: Callable[..., None]


def compile_kernels() -> Kernels:
    """Compile, or take from numba's cache."""
    wide, narrow, number = types.float64[::1], types.float32[::1], types.intp
    expanding = (narrow, number, number, number, types.float32[:, ::1], wide, narrow, narrow)
    updating = (*[narrow] * 4, *[number] * 4, narrow, narrow, narrow, narrow, wide, narrow, narrow)
    sources = [*Path(__file__).parent.glob("*.py")]
    return Kernels(
        compile_kernel(expand, takes=expanding, sources=sources),
        compile_kernel(update_flow, takes=updating, sources=sources),
    )
