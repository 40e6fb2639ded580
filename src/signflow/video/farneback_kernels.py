"""The arithmetic of Farneback's method, compiled by numba: import it only where it is used.

Pictures and what is derived from them are flat float32 arrays. A row of a picture has `pitch`
numbers, its width rounded up to a multiple of `LANES`; what stands beyond the width has no meaning.
A row of an expansion has five such rows, one after another: the coefficients of y, x, y^2, x^2 and
xy, so that neighbouring pixels are neighbours in memory.

Compared with OpenCV's, which this follows rounding by rounding where that matters:

- All iterations of a level go over the picture in one pass, each a window behind the one before
  it, so that what they read stays in the cache (`update_flow`).
- Flow is smooth: most stretches of eight pixels look at the same two or three rows and columns
  of the next picture. Then plain loads and weights, some of them zero, replace a gather.
- The window is summed along the row in float32, then down the columns by a running sum in float64.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types

from signflow.video.lanes import (
    LANES,
    anywhere,
    doubles,
    floats,
    floor,
    ints,
    load,
    load_pairs,
    multiply_add,
    select,
    smallest,
    store,
    to_doubles,
    to_floats,
    to_ints,
)

GUARD = 4 * LANES
"""Numbers before the first and after the last row of an expansion that may be read, not used."""

USUAL = 5
"""The reach of the report's fit and of its window; loops of that known length are unrolled."""

NOWHERE = 1 << 24
"""Further than any pixel."""

_OPTIONS: dict[str, Any] = {"boundscheck": False, "error_model": "numpy", "nogil": True}
_part = numba.njit(forceinline=True, **_OPTIONS)


def round_up(number: int) -> int:
    """The next multiple of `LANES`: vectors of such rows do not lie in two lines of the cache."""
    return -(-number // LANES) * LANES


class Kernels(NamedTuple):
    """The compiled functions; each works on one picture and level."""

    expand: Callable[..., None]
    update_flow: Callable[..., None]


def compile_kernels(*, cache: bool) -> Kernels:
    """Compile, or take from numba's cache.

    Raises:
        RuntimeError, OSError: there is no place for the cache, or it cannot be written.
    """
    wide, narrow, number = types.float64[::1], types.float32[::1], types.intp
    expand = (narrow, number, number, number, types.float32[:, ::1], wide, narrow, narrow)
    update = (*[narrow] * 4, *[number] * 4, narrow, narrow, narrow, narrow, wide, narrow, narrow)
    return Kernels(
        numba.njit(types.void(*expand), cache=cache, **_OPTIONS)(_expand),
        numba.njit(types.void(*update), cache=cache, **_OPTIONS)(_update_flow),
    )


def _expand(image, width, height, reach, weights, inverse, rows, expansion):
    """Fit a polynomial around every pixel.

    Args:
        image: `height` rows.
        width: of the picture.
        height: likewise.
        reach: pixels on either side that the fit sees, n.
        weights: (3, n + 1), of the Gaussian, times x, times x^2.
        inverse: `Fit.inverse`.
        rows: 3 * (pitch + 2 round_up(n)) numbers to work with.
        expansion: written; `height` rows between guards.
    """
    pitch = len(image) // height
    margin = _margin(reach)
    length = pitch + 2 * margin
    for y in range(height):
        for x in range(0, pitch, LANES):
            centre = load(image, y * pitch + x)
            value = centre * floats(weights[0, 0])
            slope = floats(0.0)
            bend = floats(0.0)
            for k in range(1, reach + 1):
                above = load(image, max(y - k, 0) * pitch + x)
                below = load(image, min(y + k, height - 1) * pitch + x)
                both = above + below
                value = value + floats(weights[0, k]) * both
                slope = slope + floats(weights[1, k]) * (below - above)
                bend = bend + floats(weights[2, k]) * both
            store(rows, margin + x, value)
            store(rows, length + margin + x, slope)
            store(rows, 2 * length + margin + x, bend)
        for plane in range(3):
            _repeat_ends(rows, plane * length + margin, width, reach)
        for x in range(0, pitch, LANES):
            to = GUARD + 5 * y * pitch + x
            if reach == USUAL:
                _fit(margin + x, pitch, length, USUAL, weights, inverse, rows, expansion, to)
            else:
                _fit(margin + x, pitch, length, reach, weights, inverse, rows, expansion, to)


@_part
def _margin(reach):
    """Where a row begins that is continued by `reach` numbers: `round_up`, compiled."""
    return (reach + LANES - 1) // LANES * LANES


@_part
def _fit(at, pitch, length, reach, weights, inverse, rows, expansion, to):
    # The coefficients of x^2 and y^2 are small differences of large sums, which OpenCV therefore
    # adds up in double precision. Here the sums are of differences to the middle, which single
    # precision holds as well; what the middle itself contributes, next to nothing, is added last.
    middle = load(rows, at)
    middle_bend = load(rows, 2 * length + at)
    twice = middle + middle
    twice_bend = middle_bend + middle_bend
    plain = floats(0.0)
    along_x = floats(0.0)
    along_xx = floats(0.0)
    along_y = load(rows, length + at) * floats(weights[0, 0])
    along_yy = floats(0.0)
    along_xy = floats(0.0)
    for k in range(1, reach + 1):
        weight = floats(weights[0, k])
        weight_x = floats(weights[1, k])
        right = load(rows, at + k)
        left = load(rows, at - k)
        both = (right + left) - twice
        plain = plain + both * weight
        along_xx = along_xx + both * floats(weights[2, k])
        along_x = along_x + (right - left) * weight_x
        right = load(rows, length + at + k)
        left = load(rows, length + at - k)
        along_y = along_y + (right + left) * weight
        along_xy = along_xy + (right - left) * weight_x
        right = load(rows, 2 * length + at + k)
        left = load(rows, 2 * length + at - k)
        along_yy = along_yy + ((right + left) - twice_bend) * weight
    constant = to_doubles(plain) * doubles(inverse[1])
    yy = constant + to_doubles(along_yy) * doubles(inverse[2])
    yy = yy + (
        to_doubles(middle) * doubles(inverse[4]) + to_doubles(middle_bend) * doubles(inverse[5])
    )
    xx = constant + to_doubles(along_xx) * doubles(inverse[2])
    xx = xx + to_doubles(middle) * doubles(inverse[6])
    store(expansion, to, along_y * floats(inverse[0]))
    store(expansion, to + pitch, along_x * floats(inverse[0]))
    store(expansion, to + 2 * pitch, to_floats(yy))
    store(expansion, to + 3 * pitch, to_floats(xx))
    store(expansion, to + 4 * pitch, along_xy * floats(inverse[3]))


def _update_flow(
    before,
    after,
    across,
    down,
    width,
    height,
    iterations,
    winsize,
    window,
    border,
    columns,
    ring,
    sums,
    row,
    partial,
):
    """Bring the flow of one level nearer to the truth.

    Args:
        before: expansion of the first picture.
        after: of the second.
        across: the flow's x, `height` rows; read and written.
        down: its y.
        width: of the picture.
        height: likewise.
        iterations: how often.
        winsize: side of the box; the window reaches winsize // 2 to either side.
        window: weights of a Gaussian window from its middle on; empty: a box.
        border: pitch weights by column, then 5 by distance from the upper or lower end.
        columns: 0, 1, ... width - 1, then a number far outside.
        ring: iterations * (2 (winsize // 2) + 2) * 5 * pitch numbers to work with.
        sums: iterations * 5 * pitch.
        row: 5 * (pitch + 2 round_up(winsize // 2) + LANES) + LANES + sqrt(winsize + 1).
        partial: pitch + 2 round_up(winsize // 2) + LANES.
    """
    reach = winsize // 2
    pitch = len(columns)
    stride = 5 * pitch
    kept = 2 * reach + 2
    # An iteration's row r is written when rows up to r + reach of its matrices are known; the next
    # iteration may then take row r. So each follows the one before it at reach + 1 rows.
    for step in range(height + reach + (iterations - 1) * (reach + 1)):
        for iteration in range(iterations):
            ready = step - iteration * (reach + 1)
            if ready < 0 or ready >= height + reach:
                continue
            rows = iteration * kept * stride
            if ready < height:
                _matrices(
                    ready, before, after, across, down, width, height, border, columns, row, reach
                )
                _sum_along(
                    row, partial, ring, rows + (ready % kept) * stride, width, pitch, reach, window
                )
            if ready >= reach:
                y = ready - reach
                if len(window) > 0:
                    _solve_gaussian(y, height, reach, window, ring, rows, kept, across, down, pitch)
                else:
                    if y == 0:
                        _first_sums(sums, iteration * stride, ring, rows, height, reach, stride)
                    _solve_box(
                        sums,
                        iteration * stride,
                        ring,
                        rows + (min(ready, height - 1) % kept) * stride,
                        rows + (max(y - reach - 1, 0) % kept) * stride,
                        across,
                        down,
                        y * pitch,
                        pitch,
                        1.0 / (winsize * winsize),
                    )


@_part
def _matrices(y, before, after, across, down, width, height, border, columns, row, reach):
    """What one row of pixels says about its flow: g11, g12, g22, h1, h2 into `row`."""
    pitch = len(columns)
    stride = 5 * pitch
    margin = _margin(reach)
    length = pitch + 2 * margin + LANES
    edge = np.float32(1.0)
    if y < 5:
        edge *= border[pitch + y]
    if y >= height - 5:
        edge *= border[pitch + height - 1 - y]
    zero = floats(0.0)
    half = floats(0.5)
    for x in range(0, pitch, LANES):
        dx = load(across, y * pitch + x)
        dy = load(down, y * pitch + x)
        fx = load(columns, x) + dx
        fy = floats(y) + dy
        inside = (fx >= zero) & (fx < floats(width - 1)) & (fy >= zero) & (fy < floats(height - 1))
        fx = select(inside, fx, zero)
        fy = select(inside, fy, zero)
        whole_x = floor(fx)
        whole_y = floor(fy)
        fx = fx - whole_x
        fy = fy - whole_y
        r0, r1, r2, r3, r4 = _at(
            after, GUARD + x, inside, whole_x, whole_x - load(columns, x), whole_y, fx, fy, pitch
        )
        at = GUARD + y * stride + x
        c2 = load(before, at + 2 * pitch)
        c3 = load(before, at + 3 * pitch)
        c4 = load(before, at + 4 * pitch)
        r2 = select(inside, (c2 + r2) * half, c2)
        r3 = select(inside, (c3 + r3) * half, c3)
        r4 = select(inside, (c4 + r4) * floats(0.25), c4 * half)
        r0 = (load(before, at) - r0) * half
        r1 = (load(before, at + pitch) - r1) * half
        r0 = multiply_add(r4, dx, multiply_add(r2, dy, r0))
        r1 = multiply_add(r3, dx, multiply_add(r4, dy, r1))
        scale = load(border, x) * floats(edge)
        r0 = r0 * scale
        r1 = r1 * scale
        r2 = r2 * scale
        r3 = r3 * scale
        r4 = r4 * scale
        cross = r4 * r4
        to = margin + x
        store(row, to, multiply_add(r2, r2, cross))
        store(row, to + length, (r2 + r3) * r4)
        store(row, to + 2 * length, multiply_add(r3, r3, cross))
        store(row, to + 3 * length, multiply_add(r2, r0, r4 * r1))
        store(row, to + 4 * length, multiply_add(r4, r0, r3 * r1))


@_part
def _at(after, start, inside, whole_x, shift, whole_y, fx, fy, pitch):
    """The second picture's coefficients where the flow leads, bilinear; 0 where it leads outside.

    Every pixel lies between two columns and two rows. Where those of all eight pixels, shifted by
    their own columns, are two or three altogether, they are loaded as they lie, and weighted by 0
    for the pixels that do not see them.
    """
    zero = floats(0.0)
    one = floats(1.0)
    stride = 5 * pitch
    columns = to_ints(shift)
    rows = to_ints(whole_y)
    left = smallest(select(inside, columns, ints(NOWHERE)))
    if left == NOWHERE:
        return zero, zero, zero, zero, zero
    upper = smallest(select(inside, rows, ints(NOWHERE)))
    wide = anywhere(select(inside, columns, ints(-NOWHERE)) > ints(left))
    high = anywhere(select(inside, rows, ints(-NOWHERE)) > ints(upper))
    too_wide = anywhere(select(inside, columns, ints(-NOWHERE)) > ints(left + 1))
    too_high = anywhere(select(inside, rows, ints(-NOWHERE)) > ints(upper + 1))
    x0 = one - fx
    y0 = select(inside, one - fy, zero)
    y1 = select(inside, fy, zero)
    if too_wide or too_high:
        w00 = x0 * y0
        w01 = fx * y0
        w10 = x0 * y1
        w11 = fx * y1
        at = to_ints(whole_x) + rows * ints(stride) + ints(GUARD)
        return (
            _gathered(after, at, stride, w00, w01, w10, w11),
            _gathered(after, at + ints(pitch), stride, w00, w01, w10, w11),
            _gathered(after, at + ints(2 * pitch), stride, w00, w01, w10, w11),
            _gathered(after, at + ints(3 * pitch), stride, w00, w01, w10, w11),
            _gathered(after, at + ints(4 * pitch), stride, w00, w01, w10, w11),
        )
    first = columns == ints(left)
    x2 = select(first, zero, fx)
    x1 = select(first, fx, x0)
    x0 = select(first, x0, zero)
    first = rows == ints(upper)
    y2 = select(first, zero, y1)
    y1 = select(first, y1, y0)
    y0 = select(first, y0, zero)
    at = start + upper * stride + left
    if wide and high:
        return (
            _three_by_three(after, at, stride, x0, x1, x2, y0, y1, y2),
            _three_by_three(after, at + pitch, stride, x0, x1, x2, y0, y1, y2),
            _three_by_three(after, at + 2 * pitch, stride, x0, x1, x2, y0, y1, y2),
            _three_by_three(after, at + 3 * pitch, stride, x0, x1, x2, y0, y1, y2),
            _three_by_three(after, at + 4 * pitch, stride, x0, x1, x2, y0, y1, y2),
        )
    if wide:
        return (
            _three_by_two(after, at, stride, x0, x1, x2, y0, y1),
            _three_by_two(after, at + pitch, stride, x0, x1, x2, y0, y1),
            _three_by_two(after, at + 2 * pitch, stride, x0, x1, x2, y0, y1),
            _three_by_two(after, at + 3 * pitch, stride, x0, x1, x2, y0, y1),
            _three_by_two(after, at + 4 * pitch, stride, x0, x1, x2, y0, y1),
        )
    if high:
        return (
            _two_by_three(after, at, stride, x0, x1, y0, y1, y2),
            _two_by_three(after, at + pitch, stride, x0, x1, y0, y1, y2),
            _two_by_three(after, at + 2 * pitch, stride, x0, x1, y0, y1, y2),
            _two_by_three(after, at + 3 * pitch, stride, x0, x1, y0, y1, y2),
            _two_by_three(after, at + 4 * pitch, stride, x0, x1, y0, y1, y2),
        )
    return (
        _two_by_two(after, at, stride, x0, x1, y0, y1),
        _two_by_two(after, at + pitch, stride, x0, x1, y0, y1),
        _two_by_two(after, at + 2 * pitch, stride, x0, x1, y0, y1),
        _two_by_two(after, at + 3 * pitch, stride, x0, x1, y0, y1),
        _two_by_two(after, at + 4 * pitch, stride, x0, x1, y0, y1),
    )


@_part
def _gathered(plane, at, stride, w00, w01, w10, w11):
    p00, p01 = load_pairs(plane, at)
    p10, p11 = load_pairs(plane, at + ints(stride))
    return multiply_add(w11, p11, multiply_add(w10, p10, multiply_add(w01, p01, w00 * p00)))


@_part
def _two_by_two(plane, at, stride, x0, x1, y0, y1):
    return multiply_add(_two(plane, at + stride, x0, x1), y1, _two(plane, at, x0, x1) * y0)


@_part
def _two_by_three(plane, at, stride, x0, x1, y0, y1, y2):
    upper = _two_by_two(plane, at, stride, x0, x1, y0, y1)
    return multiply_add(_two(plane, at + 2 * stride, x0, x1), y2, upper)


@_part
def _three_by_two(plane, at, stride, x0, x1, x2, y0, y1):
    return multiply_add(
        _three(plane, at + stride, x0, x1, x2), y1, _three(plane, at, x0, x1, x2) * y0
    )


@_part
def _three_by_three(plane, at, stride, x0, x1, x2, y0, y1, y2):
    upper = _three_by_two(plane, at, stride, x0, x1, x2, y0, y1)
    return multiply_add(_three(plane, at + 2 * stride, x0, x1, x2), y2, upper)


@_part
def _two(plane, at, x0, x1):
    return multiply_add(x1, load(plane, at + 1), x0 * load(plane, at))


@_part
def _three(plane, at, x0, x1, x2):
    return multiply_add(
        x2, load(plane, at + 2), multiply_add(x1, load(plane, at + 1), x0 * load(plane, at))
    )


@_part
def _sum_along(row, partial, ring, to, width, pitch, reach, window):
    """The window's weighted sums along a row of matrices, into the ring."""
    margin = _margin(reach)
    length = pitch + 2 * margin + LANES
    for plane in range(5):
        _repeat_ends(row, plane * length + margin, width, reach)
    if len(window) > 0:
        for plane in range(5):
            for x in range(0, pitch, LANES):
                at = plane * length + margin + x
                total = load(row, at) * floats(window[0])
                for k in range(1, reach + 1):
                    both = load(row, at + k) + load(row, at - k)
                    total = total + both * floats(window[k])
                store(ring, to + plane * pitch + x, total)
        return
    if reach == USUAL:
        _sum_box(row, partial, ring, to, length, margin, pitch, USUAL)
    else:
        _sum_box(row, partial, ring, to, length, margin, pitch, reach)


@_part
def _sum_box(row, partial, ring, to, length, margin, pitch, reach):
    # 2 reach + 1 numbers in groups: of `group` neighbours first, then of such sums.
    side = 2 * reach + 1
    group = 1
    while (group + 1) * (group + 1) <= side:
        group += 1
    grouped = side - side % group
    for plane in range(5):
        start = plane * length + margin - reach
        for x in range(0, pitch + grouped, LANES):
            total = load(row, start + x)
            for k in range(1, group):
                total = total + load(row, start + x + k)
            store(partial, x, total)
        for x in range(0, pitch, LANES):
            total = load(partial, x)
            for k in range(group, grouped, group):
                total = total + load(partial, x + k)
            for k in range(grouped, side):
                total = total + load(row, start + x + k)
            store(ring, to + plane * pitch + x, total)


@_part
def _repeat_ends(row, start, width, reach):
    first = row[start]
    last = row[start + width - 1]
    for x in range(reach):
        row[start - reach + x] = first
        row[start + width + x] = last


@_part
def _first_sums(sums, to, ring, rows, height, reach, stride):
    """The sums a row above the first, the picture's first row standing for what lies above it."""
    for x in range(0, stride, LANES):
        total = to_doubles(load(ring, rows + x)) * doubles(reach + 2.0)
        for y in range(1, reach):
            at = rows + (min(y, height - 1) % (2 * reach + 2)) * stride + x
            total = total + to_doubles(load(ring, at))
        store(sums, to + x, total)


@_part
def _solve_box(sums, start, ring, new, old, across, down, to, pitch, scale):
    factor = doubles(scale)
    for x in range(0, pitch, LANES):
        g11 = _slide(sums, start, ring, new, old, x) * factor
        g12 = _slide(sums, start, ring, new, old, pitch + x) * factor
        g22 = _slide(sums, start, ring, new, old, 2 * pitch + x) * factor
        h1 = _slide(sums, start, ring, new, old, 3 * pitch + x) * factor
        h2 = _slide(sums, start, ring, new, old, 4 * pitch + x) * factor
        _solve(g11, g12, g22, h1, h2, across, down, to + x)


@_part
def _slide(sums, start, ring, new, old, x):
    change = to_doubles(load(ring, new + x)) - to_doubles(load(ring, old + x))
    total = load(sums, start + x) + change
    store(sums, start + x, total)
    return total


@_part
def _solve_gaussian(y, height, reach, window, ring, rows, kept, across, down, pitch):
    for x in range(0, pitch, LANES):
        g11 = _weighted(y, height, reach, window, ring, rows, kept, pitch, x)
        g12 = _weighted(y, height, reach, window, ring, rows, kept, pitch, pitch + x)
        g22 = _weighted(y, height, reach, window, ring, rows, kept, pitch, 2 * pitch + x)
        h1 = _weighted(y, height, reach, window, ring, rows, kept, pitch, 3 * pitch + x)
        h2 = _weighted(y, height, reach, window, ring, rows, kept, pitch, 4 * pitch + x)
        _solve(g11, g12, g22, h1, h2, across, down, y * pitch + x)


@_part
def _weighted(y, height, reach, window, ring, rows, kept, pitch, x):
    stride = 5 * pitch
    total = load(ring, rows + (y % kept) * stride + x) * floats(window[0])
    for k in range(1, reach + 1):
        above = load(ring, rows + (max(y - k, 0) % kept) * stride + x)
        below = load(ring, rows + (min(y + k, height - 1) % kept) * stride + x)
        total = total + (above + below) * floats(window[k])
    return to_doubles(total)


@_part
def _solve(g11, g12, g22, h1, h2, across, down, to):
    inverse = doubles(1.0) / (g11 * g22 - g12 * g12 + doubles(1e-3))
    store(across, to, to_floats((g11 * h2 - g12 * h1) * inverse))
    store(down, to, to_floats((g22 * h1 - g12 * h2) * inverse))
