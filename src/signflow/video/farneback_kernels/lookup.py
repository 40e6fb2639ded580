"""The second picture's coefficients where the flow leads."""

from signflow.compiled.lanes import (
    anywhere,
    floats,
    ints,
    load,
    load_pairs,
    multiply_add,
    part,
    select,
    smallest,
    to_ints,
)
from signflow.video.farneback_kernels.rows import GUARD

NOWHERE = 1 << 24
"""Further than any pixel."""


@part
def look_up(after, start, inside, whole_x, shift, whole_y, fx, fy, pitch):
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


@part
def _gathered(plane, at, stride, w00, w01, w10, w11):
    p00, p01 = load_pairs(plane, at)
    p10, p11 = load_pairs(plane, at + ints(stride))
    return multiply_add(w11, p11, multiply_add(w10, p10, multiply_add(w01, p01, w00 * p00)))


@part
def _two_by_two(plane, at, stride, x0, x1, y0, y1):
    return multiply_add(_two(plane, at + stride, x0, x1), y1, _two(plane, at, x0, x1) * y0)


@part
def _two_by_three(plane, at, stride, x0, x1, y0, y1, y2):
    upper = _two_by_two(plane, at, stride, x0, x1, y0, y1)
    return multiply_add(_two(plane, at + 2 * stride, x0, x1), y2, upper)


@part
def _three_by_two(plane, at, stride, x0, x1, x2, y0, y1):
    return multiply_add(
        _three(plane, at + stride, x0, x1, x2), y1, _three(plane, at, x0, x1, x2) * y0
    )


@part
def _three_by_three(plane, at, stride, x0, x1, x2, y0, y1, y2):
    upper = _three_by_two(plane, at, stride, x0, x1, x2, y0, y1)
    return multiply_add(_three(plane, at + 2 * stride, x0, x1, x2), y2, upper)


@part
def _two(plane, at, x0, x1):
    return multiply_add(x1, load(plane, at + 1), x0 * load(plane, at))


@part
def _three(plane, at, x0, x1, x2):
    return multiply_add(
        x2, load(plane, at + 2), multiply_add(x1, load(plane, at + 1), x0 * load(plane, at))
    )
