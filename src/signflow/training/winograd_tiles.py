"""Tiles of Winograd's F(2 x 2, 5 x 5) and what is done with them, for `winograd_kernel`.

A tile is a window of 6 x 6 pixels that makes 2 x 2 pixels of what comes out; tiles are two pixels
apart. Transformed, it is multiplied with kernels number by number. Eight tiles beside each other
are a group, two groups a panel. Import this module only where numba is.
"""

import numpy as np

from signflow.compiled.lanes import (
    LANES,
    floats,
    load,
    load_in_all,
    multiply_add,
    octets,
    part,
    select,
    store,
)
from signflow.compiled.shuffles import alternate, evens_and_odds, transpose

PRODUCTS = 36
"""Numbers of a transformed tile, and of a transformed kernel."""

PANEL = 2 * LANES
"""Tiles that are multiplied at a time; pixels between two groups of a row, too."""

BAND = 8
"""Rows of tiles that a thread takes at a time."""

OUT = 16
"""Of this, the number of channels that come out must be a multiple, to learn."""

APART = 16
"""Numbers between arrays that are used at the same place at once: where their distance is a power
of two, a cache keeps few of them."""

_LINE = PANEL + LANES
"""Pixels of a row that a group is made of, with some to spare."""


@part
def make_room(channels, out, groups):
    """Padded rows of a band, a panel's tiles and products, and lines to make tiles of."""
    padded = np.zeros((channels, 2 * BAND + 4, groups * PANEL + _LINE - PANEL), np.float32)
    # Channels are multiplied in fours, so there are some more after the last.
    tiles = np.zeros(PRODUCTS * (PANEL * channels + APART) + 4 * PANEL, np.float32)
    products = np.empty(PRODUCTS * (PANEL * out + APART), np.float32)
    return padded, tiles, products, np.empty(6 * _LINE, np.float32)


@part
def pad(picture, padded, top):
    """Copy a band's rows from `top` on, with 0 beyond the picture; sides are 0 already."""
    channels, height, width = picture.shape
    for c in range(channels):
        for k in range(padded.shape[1]):
            line = padded[c, k]
            if 0 <= top + k < height:
                source = picture[c, top + k]
                for x in range(width):
                    line[x + 2] = source[x]
            else:
                line[:] = np.float32(0)


@part
def unpool(back, chosen, padded, top):
    """Likewise, of the gradient of what was pooled."""
    out, rows, columns = back.shape
    lines = padded.reshape(-1)
    flat, flat_chosen = back.reshape(-1), chosen.reshape(-1)
    for o in range(out):
        for k in range(padded.shape[1]):
            row = (top + k) >> 1
            if not 0 <= row < rows:
                padded[o, k] = np.float32(0)
                continue
            left = np.uint8(2 * ((top + k) & 1))
            at, to = (o * rows + row) * columns, (o * padded.shape[1] + k) * padded.shape[2] + 2
            whole = columns & ~(LANES - 1)
            for x in range(0, whole, LANES):
                value, which = load(flat, at + x), load(flat_chosen, at + x)
                one, two = alternate(
                    select(which == octets(left), value, floats(0.0)),
                    select(which == octets(left + 1), value, floats(0.0)),
                )
                store(lines, to + 2 * x, one)
                store(lines, to + 2 * x + LANES, two)
            for x in range(whole, columns):
                here, which = flat[at + x], flat_chosen[at + x]
                lines[to + 2 * x] = here if which == left else np.float32(0)
                lines[to + 2 * x + 1] = here if which == left + 1 else np.float32(0)


@part
def transform(padded, tiles, lines, groups, first, second):
    """Two groups of tiles, of all channels."""
    channels, height, width = padded.shape
    flat = padded.reshape(-1)
    apart = PANEL * channels + APART
    for half in range(2):
        group = second if half else first
        row, column = 2 * (group // groups), group % groups * PANEL
        for c in range(channels):
            at = (c * height + row) * width + column
            for k in range(0, _LINE, LANES):
                a, b, d = load(flat, at), load(flat, at + width), load(flat, at + 2 * width)
                e, f = load(flat, at + 3 * width), load(flat, at + 4 * width)
                a, b, d, e, f, g = _to_six(a, b, d, e, f, load(flat, at + 5 * width))
                store(lines, k, a)
                store(lines, k + _LINE, b)
                store(lines, k + 2 * _LINE, d)
                store(lines, k + 3 * _LINE, e)
                store(lines, k + 4 * _LINE, f)
                store(lines, k + 5 * _LINE, g)
                at += LANES
            to = c * PANEL + half * LANES
            for line in range(0, 6 * _LINE, _LINE):
                a, b = evens_and_odds(load(lines, line), load(lines, line + 8))
                d, e = evens_and_odds(load(lines, line + 2), load(lines, line + 10))
                f, g = evens_and_odds(load(lines, line + 4), load(lines, line + 12))
                a, b, d, e, f, g = _to_six(a, b, d, e, f, g)
                store(tiles, to, a)
                store(tiles, to + apart, b)
                store(tiles, to + 2 * apart, d)
                store(tiles, to + 3 * apart, e)
                store(tiles, to + 4 * apart, f)
                store(tiles, to + 5 * apart, g)
                to += 6 * apart


@part
def multiply(kernels, tiles, products):
    """Sums over what comes in, for all that comes out, four by four."""
    fours, channels = kernels.shape[1:3]
    flat = kernels.reshape(-1)
    kernel = to = 0
    for k in range(PRODUCTS):
        tile = k * (PANEL * channels + APART)
        for _ in range(fours):
            factors = (flat, kernel, 1, 4)
            sums = _add_up(_nothing(), factors, (tiles, tile, PANEL), channels)
            _write(sums, products, to)
            kernel += 4 * channels
            to += 4 * PANEL
        to += APART


@part
def add_products(products, share, tiles, channels, gradients, out):
    """Add sums over a panel's tiles, for all that comes in and all that comes out."""
    fours = products.shape[3]
    flat = products.reshape(-1)
    to = share * PRODUCTS * fours * 4 * out
    for k in range(PRODUCTS):
        tile, gradient = k * (PANEL * channels + APART), k * (PANEL * out + APART)
        for _ in range(fours):
            for o in range(0, PANEL * out, PANEL * OUT):
                factors = (tiles, tile, PANEL, 1)
                sums = _read(flat, to)
                sums = _add_up(sums, factors, (gradients, gradient + o, OUT), PANEL)
                _write(sums, flat, to)
                to += 4 * OUT
            tile += 4 * PANEL


@part
def _nothing():
    nothing = floats(0.0)
    return nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing


@part
def _add_up(sums, factors, vectors, count):
    """Add products of four numbers and sixteen to their sums, so many times.

    Args:
        sums: four by two vectors.
        factors: an array, where in it to begin, and how far apart its four numbers and times are.
        vectors: an array, where in it to begin, and how far apart its times are.
        count: of times.
    """
    a, e, b, f, c, g, d, h = sums
    numbers, number, apart, next_number = factors
    array, at, next_at = vectors
    for _ in range(count):
        one, two = load(array, at), load(array, at + LANES)
        factor = load_in_all(numbers, number)
        a, e = multiply_add(factor, one, a), multiply_add(factor, two, e)
        factor = load_in_all(numbers, number + apart)
        b, f = multiply_add(factor, one, b), multiply_add(factor, two, f)
        factor = load_in_all(numbers, number + 2 * apart)
        c, g = multiply_add(factor, one, c), multiply_add(factor, two, g)
        factor = load_in_all(numbers, number + 3 * apart)
        d, h = multiply_add(factor, one, d), multiply_add(factor, two, h)
        number += next_number
        at += next_at
    return a, e, b, f, c, g, d, h


@part
def _read(array, at):
    a, b = load(array, at), load(array, at + LANES)
    c, d = load(array, at + 2 * LANES), load(array, at + 3 * LANES)
    e, f = load(array, at + 4 * LANES), load(array, at + 5 * LANES)
    return a, b, c, d, e, f, load(array, at + 6 * LANES), load(array, at + 7 * LANES)


@part
def _write(vectors, array, at):
    for vector in vectors:
        store(array, at, vector)
        at += LANES


@part
def transform_back(products, channel, half):
    """Four vectors: of eight tiles' 2 x 2 pixels, row by row."""
    apart = len(products) // PRODUCTS
    at = channel * PANEL + half * LANES
    a, g = _column_to_two(products, at, apart)
    b, h = _column_to_two(products, at + apart, apart)
    c, i = _column_to_two(products, at + 2 * apart, apart)
    d, j = _column_to_two(products, at + 3 * apart, apart)
    e, k = _column_to_two(products, at + 4 * apart, apart)
    f, m = _column_to_two(products, at + 5 * apart, apart)
    one, two = _to_two(a, b, c, d, e, f)
    three, four = _to_two(g, h, i, j, k, m)
    return one, two, three, four


@part
def _column_to_two(products, at, apart):
    a, b = load(products, at), load(products, at + 6 * apart)
    c, d = load(products, at + 12 * apart), load(products, at + 18 * apart)
    return _to_two(a, b, c, d, load(products, at + 24 * apart), load(products, at + 30 * apart))


@part
def transform_gradient(value, which, square, lane):
    """Of one channel, eight tiles' gradients, of which one pixel each was chosen."""
    nothing = floats(0.0)
    left = _two_to_six(
        select(which == octets(0), value, nothing), select(which == octets(2), value, nothing)
    )
    right = _two_to_six(
        select(which == octets(1), value, nothing), select(which == octets(3), value, nothing)
    )
    to = lane * LANES
    for row in range(6):
        a, b, c, d, e, f = _two_to_six(left[row], right[row])
        store(square, to, a)
        store(square, to + LANES * LANES, b)
        store(square, to + 2 * LANES * LANES, c)
        store(square, to + 3 * LANES * LANES, d)
        store(square, to + 4 * LANES * LANES, e)
        store(square, to + 5 * LANES * LANES, f)
        to += 6 * LANES * LANES


@part
def turn(square, gradients, out, channel, half):
    """Eight channels of eight tiles each become eight tiles of eight channels each."""
    at = 0
    for k in range(PRODUCTS):
        to = k * (PANEL * out + APART) + channel // OUT * OUT * PANEL
        to += half * LANES * OUT + channel % OUT
        a, b, c, d, e, f, g, h = _read(square, at)
        for vector in transpose(a, b, c, d, e, f, g, h):
            store(gradients, to, vector)
            to += OUT
        at += LANES * LANES


@part
def copy(numbers, at, into, to, count):
    """As many numbers as a vector does not fill."""
    for k in range(count):
        into[to + k] = numbers[at + k]


@part
def larger(best, at, number, here):
    """The larger of two numbers, and where it is; what is no number is larger than any."""
    mask = (number > best) | (number != number)
    return select(mask, number, best), select(mask, here, at)


@part
def _to_six(a, b, c, d, e, f):
    """Six pixels of a row or column of a tile, transformed."""
    four, five = floats(4.0), floats(-5.0)
    inner, outer = e - four * c, d - four * b
    even, odd = e - c, floats(2.0) * (d - b)
    first = multiply_add(four, a, multiply_add(five, c, e))
    last = multiply_add(four, b, multiply_add(five, d, f))
    return first, inner + outer, inner - outer, even + odd, even - odd, last


@part
def _to_two(a, b, c, d, e, f):
    """Six products of a row or column, transformed back to two pixels."""
    return a + (b + c) + (d + e), multiply_add(floats(2.0), d - e, b - c) + f


@part
def _two_to_six(one, two):
    """The gradient's way through `_to_two`."""
    twice = floats(2.0) * two
    return one, one + two, one - two, one + twice, one - twice, two
