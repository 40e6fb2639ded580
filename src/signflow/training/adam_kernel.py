"""Adam on a linear layer whose gradient is never written, compiled by numba.

The gradient of four rows by sixteen columns is multiplied in registers and used up there, so that
weights and moments go through the processor once and are all that goes through it; the next sixteen
columns are fetched meanwhile. Import this module only where numba is.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from signflow.compiled import compile_kernel
from signflow.compiled.lanes import (
    LANES,
    floats,
    load,
    load_in_all,
    multiply_add,
    part,
    prefetch,
    square_root,
    store,
    to_bfloats,
)
from signflow.compiled.threads import share_out

Floats = NDArray[np.float32]

ROWS, COLUMNS = 4, 2 * LANES
"""Of these, the numbers of rows and columns of the weights must be multiples."""

_ROOM = 1 << 16
"""Numbers of what came into the layer that a thread works with at a time: half of a usual cache."""


class Adam(NamedTuple):
    """The numbers of one step, as `torch.optim` has them.

    Attributes:
        new_in_mean: 1 - beta1.
        old_in_square: beta2.
        new_in_square: 1 - beta2.
        rate: the learning rate by the mean's correction, 1 - beta1 ^ step.
        scale_of_root: 1 by the root of the square's correction, 1 - beta2 ^ step.
        eps: what is added to the root.
        pull: of the weights that are added to the gradient: Adam's weight decay.
        keep: of the weights that stay: 1 - learning rate * weight decay in AdamW.
    """

    new_in_mean: float
    old_in_square: float
    new_in_square: float
    rate: float
    scale_of_root: float
    eps: float
    pull: float
    keep: float


def update(
    weight: Floats,
    mean: Floats,
    square: Floats,
    short: NDArray[np.uint16] | None,
    *,
    given: Floats,
    back: Floats,
    adam: Adam,
    threads: int,
) -> None:
    """A step of Adam on weights whose gradient is `back` transposed by `given`.

    Which thread does which columns makes no difference to a bit of the result.

    Args:
        weight: (out, in), of multiples of `ROWS` and `COLUMNS`; is written to.
        mean: Adam's first moment of it, alike.
        square: its second, alike.
        short: None, or the weights as bfloat16, alike, which are to follow.
        given: (N, in): what came into the layer.
        back: (N, out): the gradient of what went out.
        adam: the step's numbers.
        threads: how many do this.
    """
    clips, columns = given.shape
    tiles = back.reshape(clips, -1, ROWS).swapaxes(0, 1)
    in_every_thread = (
        weight.reshape(-1),
        mean.reshape(-1),
        square.reshape(-1),
        np.empty(0, np.uint16) if short is None else short.reshape(-1),
        given.reshape(-1),
        np.ascontiguousarray(tiles).reshape(-1),
        np.array(adam, np.float32),
        clips,
        *weight.shape,
    )

    def work(begin: int, end: int) -> None:
        room = np.empty(max(_ROOM, COLUMNS * clips), np.float32)
        _kernel()(*in_every_thread, begin, end, room)

    share_out(work, columns, threads=threads, multiple=COLUMNS)


@lru_cache(maxsize=1)
def _kernel() -> Callable[..., None]:
    numbers, number = types.float32[::1], types.intp
    return compile_kernel(
        update_columns,
        takes=(*[numbers] * 3, types.uint16[::1], *[numbers] * 3, *[number] * 5, numbers),
        sources=[Path(__file__)],
    )


def update_columns(
    weight, mean, square, short, given, back, adam, clips, rows, columns, begin, end, room
):
    """Columns `begin` to `end`; all arrays are flat, `back` is in tiles of (N, ROWS)."""
    numbers = _in_all_lanes(adam)
    block = len(room) // (COLUMNS * clips) * COLUMNS
    for left in range(begin, end, block):
        right = min(left + block, end)
        _gather(given, room, clips, columns, left, right)
        for row in range(0, rows, ROWS):
            for column in range(left, right, COLUMNS):
                at = row * columns + column
                for k in range(ROWS):
                    ahead = at + k * columns + COLUMNS
                    prefetch(weight, ahead)
                    prefetch(mean, ahead)
                    prefetch(square, ahead)
                gradient = _multiply(room, (column - left) * clips, back, row * clips, clips)
                for k in range(ROWS):
                    _apply(weight, mean, square, short, at, gradient[k], numbers)
                    _apply(weight, mean, square, short, at + LANES, gradient[ROWS + k], numbers)
                    at += columns


@part
def _gather(given, room, clips, columns, left, right):
    # Tile by tile, one clip after another, so that a tile lies in one piece.
    for clip in range(clips):
        at = clip * columns
        for column in range(left, right, COLUMNS):
            to = (column - left) * clips + clip * COLUMNS
            store(room, to, load(given, at + column))
            store(room, to + LANES, load(given, at + column + LANES))


@part
def _multiply(room, tile, back, at, clips):
    """The gradient of four rows: of their first eight columns, then of their second."""
    a = b = c = d = e = f = g = h = floats(0.0)
    for _ in range(clips):
        left = load(room, tile)
        right = load(room, tile + LANES)
        factor = load_in_all(back, at)
        a, e = multiply_add(factor, left, a), multiply_add(factor, right, e)
        factor = load_in_all(back, at + 1)
        b, f = multiply_add(factor, left, b), multiply_add(factor, right, f)
        factor = load_in_all(back, at + 2)
        c, g = multiply_add(factor, left, c), multiply_add(factor, right, g)
        factor = load_in_all(back, at + 3)
        d, h = multiply_add(factor, left, d), multiply_add(factor, right, h)
        tile += COLUMNS
        at += ROWS
    return a, b, c, d, e, f, g, h


@part
def _apply(weight, mean, square, short, at, gradient, numbers):
    new_in_mean, old_in_square, new_in_square, rate, scale_of_root, eps, pull, keep = numbers
    old = load(weight, at)
    gradient = multiply_add(pull, old, gradient)
    moment = load(mean, at)
    moment = multiply_add(new_in_mean, gradient - moment, moment)
    store(mean, at, moment)
    size = multiply_add(new_in_square * gradient, gradient, old_in_square * load(square, at))
    store(square, at, size)
    root = multiply_add(square_root(size), scale_of_root, eps)
    new = old * keep - rate * (moment / root)
    store(weight, at, new)
    if len(short) > 0:
        store(short, at, to_bfloats(new))


@part
def _in_all_lanes(numbers):
    return (
        floats(numbers[0]),
        floats(numbers[1]),
        floats(numbers[2]),
        floats(numbers[3]),
        floats(numbers[4]),
        floats(numbers[5]),
        floats(numbers[6]),
        floats(numbers[7]),
    )
