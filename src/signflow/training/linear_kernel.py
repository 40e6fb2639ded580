"""A large linear layer's products with few clips, compiled by numba.

Beside such weights a batch is small: what takes time is that the weights go through the processor.
Libraries for products of matrices are made for large ones, and leave all of this one to a single
core (docs/benchmarks.md). Import this module only where numba is.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numba import types

from signflow.compiled import compile_kernel
from signflow.compiled.lanes import (
    LANES,
    floats,
    load,
    load_in_all,
    multiply_add,
    part,
    prefetch,
    store,
)
from signflow.compiled.threads import share_out
from signflow.training import adam_kernel
from signflow.training.adam_kernel import COLUMNS, ROWS, Floats

_SOURCES = [Path(__file__), Path(adam_kernel.__file__)]

_CLIPS = 4
"""Clips are taken so many at a time."""

_BLOCK = 64 * COLUMNS
"""Columns of which sums are taken before they are added up."""

_ROOM = 1 << 13
"""Numbers that a thread adds to at a time on the way back: a part of a usual cache."""


def multiply(given: Floats, weight: Floats, *, threads: int) -> Floats:
    """What a linear layer without a bias makes of what comes in: `given @ weight.T`.

    Which thread does which rows makes no difference to a bit of the result.

    Args:
        given: (N, in).
        weight: (out, in), of multiples of `ROWS` and `COLUMNS`.
        threads: how many do this.

    Returns:
        (N, out).
    """
    (rows, columns), clips = weight.shape, len(given)
    given = _in_fours(given)
    sums = np.zeros((rows, len(given), LANES), np.float32)
    arguments = (weight.reshape(-1), given.reshape(-1), sums.reshape(-1), len(given), columns)
    kernel = _multiply_kernel()

    def work(begin: int, end: int) -> None:
        kernel(*arguments, begin, end, np.empty(_BLOCK * len(given), np.float32))

    share_out(work, rows, threads=threads, multiple=ROWS)
    return np.ascontiguousarray(sums.sum(axis=2).T[:clips])


def multiply_back(back: Floats, weight: Floats, *, threads: int) -> Floats:
    """The gradient of what came in: `back @ weight`.

    Args:
        back: (N, out), the gradient of what went out.
        weight: see `multiply`.
        threads: likewise.

    Returns:
        (N, in).
    """
    (rows, columns), clips = weight.shape, len(back)
    back = _in_fours(back)
    tiles = back.reshape(-1, _CLIPS, rows // ROWS, ROWS).transpose(2, 0, 3, 1)
    gradient = np.empty((clips, columns), np.float32)
    arguments = (
        weight.reshape(-1),
        np.ascontiguousarray(tiles).reshape(-1),
        gradient.reshape(-1),
        clips,
        len(back),
        rows,
        columns,
    )
    kernel = _multiply_back_kernel()

    def work(begin: int, end: int) -> None:
        kernel(*arguments, begin, end, np.empty(max(_ROOM, COLUMNS * len(back)), np.float32))

    share_out(work, columns, threads=threads, multiple=COLUMNS)
    return gradient


def _in_fours(clips: Floats) -> Floats:
    missing = -len(clips) % _CLIPS
    return np.pad(clips, ((0, missing), (0, 0))) if missing else np.ascontiguousarray(clips)


@lru_cache(maxsize=1)
def _multiply_kernel() -> Callable[..., None]:
    numbers, number = types.float32[::1], types.intp
    takes = (numbers, numbers, numbers, *[number] * 4, numbers)
    return compile_kernel(multiply_rows, takes=takes, sources=_SOURCES)


@lru_cache(maxsize=1)
def _multiply_back_kernel() -> Callable[..., None]:
    numbers, number = types.float32[::1], types.intp
    takes = (numbers, numbers, numbers, *[number] * 6, numbers)
    return compile_kernel(multiply_columns, takes=takes, sources=_SOURCES)


def multiply_rows(weight, given, sums, clips, columns, begin, end, room):
    """Rows `begin` to `end`; all arrays are flat, `sums` are of every eighth column."""
    for left in range(0, columns, _BLOCK):
        width = min(_BLOCK, columns - left)
        _gather(given, room, clips, columns, left, width)
        for row in range(begin, end, ROWS):
            at = row * columns + left
            ahead = ROWS * columns  # the next rows are fetched once, with the first clips
            for clip in range(0, clips, 2):
                to, step = (row * clips + clip) * LANES, clips * LANES
                _multiply(weight, at, columns, ahead, room, clip * width, width, sums, to, step)
                ahead = 0


@part
def _gather(given, room, clips, columns, left, width):
    # Two clips beside each other, so that a pair lies in one piece.
    for clip in range(clips):
        at = clip * columns + left
        to = (clip & ~1) * width + (clip & 1) * LANES
        for column in range(0, width, LANES):
            store(room, to + 2 * column, load(given, at + column))


@part
def _multiply(weight, at, columns, ahead, room, pair, width, sums, to, step):
    """Add to the sums of four rows by two clips."""
    a = b = c = d = e = f = g = h = floats(0.0)
    for _ in range(0, width, COLUMNS):
        for k in range(ROWS):
            prefetch(weight, at + k * columns + ahead)
        for _half in range(2):
            one = load(room, pair)
            other = load(room, pair + LANES)
            pair += 2 * LANES
            numbers = load(weight, at)
            a, e = multiply_add(numbers, one, a), multiply_add(numbers, other, e)
            numbers = load(weight, at + columns)
            b, f = multiply_add(numbers, one, b), multiply_add(numbers, other, f)
            numbers = load(weight, at + 2 * columns)
            c, g = multiply_add(numbers, one, c), multiply_add(numbers, other, g)
            numbers = load(weight, at + 3 * columns)
            d, h = multiply_add(numbers, one, d), multiply_add(numbers, other, h)
            at += LANES
    _add(sums, to, a, e)
    _add(sums, to + step, b, f)
    _add(sums, to + 2 * step, c, g)
    _add(sums, to + 3 * step, d, h)


@part
def _add(sums, at, one, other):
    store(sums, at, load(sums, at) + one)
    store(sums, at + LANES, load(sums, at + LANES) + other)


def multiply_columns(weight, back, gradient, wanted, clips, rows, columns, begin, end, room):
    """Columns `begin` to `end`; all arrays are flat, `back` is in tiles of four rows and clips."""
    block = len(room) // (COLUMNS * clips) * COLUMNS
    for left in range(begin, end, block):
        right = min(left + block, end)
        for place in range(0, (right - left) * clips, LANES):
            store(room, place, floats(0.0))
        for row in range(0, rows, ROWS):
            for column in range(left, right, COLUMNS):
                at = row * columns + column
                for k in range(ROWS):
                    prefetch(weight, at + (ROWS + k) * columns)
                for clip in range(0, clips, _CLIPS):
                    tile = (column - left) * clips + clip * COLUMNS
                    _multiply_back(weight, at, columns, back, row * clips + clip * ROWS, room, tile)
        for clip in range(wanted):
            for column in range(left, right, COLUMNS):
                tile = (column - left) * clips + clip * COLUMNS
                to = clip * columns + column
                store(gradient, to, load(room, tile))
                store(gradient, to + LANES, load(room, tile + LANES))


@part
def _multiply_back(weight, at, columns, back, factors, room, tile):
    """Add what goes back from four rows to sixteen columns of four clips."""
    a, e = load(room, tile), load(room, tile + LANES)
    b, f = load(room, tile + COLUMNS), load(room, tile + COLUMNS + LANES)
    c, g = load(room, tile + 2 * COLUMNS), load(room, tile + 2 * COLUMNS + LANES)
    d, h = load(room, tile + 3 * COLUMNS), load(room, tile + 3 * COLUMNS + LANES)
    for _ in range(ROWS):
        left = load(weight, at)
        right = load(weight, at + LANES)
        factor = load_in_all(back, factors)
        a, e = multiply_add(factor, left, a), multiply_add(factor, right, e)
        factor = load_in_all(back, factors + 1)
        b, f = multiply_add(factor, left, b), multiply_add(factor, right, f)
        factor = load_in_all(back, factors + 2)
        c, g = multiply_add(factor, left, c), multiply_add(factor, right, g)
        factor = load_in_all(back, factors + 3)
        d, h = multiply_add(factor, left, d), multiply_add(factor, right, h)
        factors += _CLIPS
        at += columns
    store(room, tile, a)
    store(room, tile + LANES, e)
    store(room, tile + COLUMNS, b)
    store(room, tile + COLUMNS + LANES, f)
    store(room, tile + 2 * COLUMNS, c)
    store(room, tile + 2 * COLUMNS + LANES, g)
    store(room, tile + 3 * COLUMNS, d)
    store(room, tile + 3 * COLUMNS + LANES, h)
