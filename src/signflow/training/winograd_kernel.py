"""Convolution of 5 x 5, ReLU and pooling in fewer multiplications, compiled by numba.

Winograd's minimal filtering, F(2 x 2, 5 x 5): windows of 6 x 6 pixels, two apart, and kernels are
transformed so that 36 products per channel make 2 x 2 pixels of what comes out, instead of 100
(Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, with the points 0, 1,
-1, 2, -2). Those four pixels are what one pooled pixel is the largest of, so it is all that is
written. Import this module only where numba is.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from signflow.compiled import compile_kernel
from signflow.compiled.lanes import (
    LANES,
    floats,
    ints,
    load,
    load_in_all,
    octets,
    select,
    store,
    to_octets,
)
from signflow.compiled.shuffles import alternate
from signflow.compiled.threads import share_out
from signflow.training import pooling_kernel, winograd_tiles
from signflow.training.pooling_kernel import NONE
from signflow.training.winograd_tiles import (
    BAND,
    OUT,
    PANEL,
    PRODUCTS,
    add_products,
    copy,
    larger,
    make_room,
    multiply,
    pad,
    transform,
    transform_back,
    transform_gradient,
    turn,
    unpool,
)

Floats = NDArray[np.float32]
Choices = NDArray[np.uint8]

OF_KERNELS = np.array(
    [
        [1 / 4, 0, 0, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 2 / 24, 4 / 24, 8 / 24, 16 / 24],
        [1 / 24, -2 / 24, 4 / 24, -8 / 24, 16 / 24],
        [0, 0, 0, 0, 1],
    ]
)
"""Transforms five numbers of a kernel to six."""

_SOURCES = [Path(__file__), Path(winograd_tiles.__file__), Path(pooling_kernel.__file__)]

_SHARES = 16
"""Sums of the kernels' gradients are taken in so many shares, whatever the threads."""


class Pooled(NamedTuple):
    """What comes out.

    Attributes:
        pictures: (N, O, H // 2, W // 2).
        chosen: alike: which of the four pixels each is, 0 to 3, or `NONE`.
    """

    pictures: Floats
    chosen: Choices


def convolve(pictures: Floats, kernels: Floats, bias: Floats, *, threads: int) -> Pooled:
    """`max_pool2d(relu(conv2d(pictures, kernels, bias, padding=2)), 2)`.

    Which thread does what makes no difference to a bit of the result.

    Args:
        pictures: (N, C, H, W).
        kernels: (6, 6, O, C), transformed.
        bias: (O,).
        threads: how many do this.
    """
    count, _, height, width = pictures.shape
    size = (count, len(bias), height // 2, width // 2)
    pooled = Pooled(np.empty(size, np.float32), np.empty(size, np.uint8))
    kernel, packed = _kernels().forwards, _packed(kernels)

    def work(begin: int, end: int) -> None:
        kernel(pictures, packed, bias, pooled.pictures, pooled.chosen, begin, end)

    share_out(work, count * _bands(height // 2), threads=threads)
    return pooled


def gradient_of_pictures(
    back: Floats,
    chosen: Choices,
    kernels: Floats,
    *,
    height: int,
    width: int,
    threads: int,
) -> Floats:
    """The gradient of what came in.

    Args:
        back: (N, O, height // 2, width // 2), the gradient of what went out.
        chosen: what `convolve` had.
        kernels: (6, 6, C, O), turned by half a turn and transformed.
        height: of the pictures.
        width: likewise.
        threads: how many do this.

    Returns:
        (N, C, height, width).
    """
    gradient = np.empty((len(back), kernels.shape[2], height, width), np.float32)
    kernel, packed = _kernels().backwards, _packed(kernels)

    def work(begin: int, end: int) -> None:
        kernel(back, chosen, packed, gradient, begin, end)

    share_out(work, len(back) * _bands((height + 1) // 2), threads=threads)
    return gradient


def gradients_of_weights(
    pictures: Floats, back: Floats, chosen: Choices, *, threads: int
) -> tuple[Floats, Floats]:
    """The gradients of the kernels, still transformed, and of the bias.

    Args:
        pictures: (N, C, H, W), what came in.
        back: (N, O, H // 2, W // 2), the gradient of what went out.
        chosen: what `convolve` had.
        threads: how many do this.

    Returns:
        (O, C, 6, 6) and (O,).
    """
    channels, out = pictures.shape[1], back.shape[1]
    fours = -(-channels // 4)
    products = np.zeros((_SHARES, 6, 6, fours, out // OUT, 4, OUT), np.float32)
    sums = np.zeros((_SHARES, out, LANES), np.float32)
    kernel = _kernels().of_weights

    def work(begin: int, end: int) -> None:
        kernel(pictures, back, chosen, products, sums, begin, end)

    share_out(work, _SHARES, threads=threads)
    ordered = products.sum(axis=0).transpose(3, 5, 2, 4, 0, 1).reshape(out, 4 * fours, 6, 6)
    return np.ascontiguousarray(ordered[:, :channels]), sums.sum(axis=(0, 2))


def can_convolve(out: int) -> bool:
    """Whether the kernels are made for so many channels that come out."""
    return out % OUT == 0


def _packed(kernels: Floats) -> Floats:
    """(36, O / 4, C, 4): what four channels that come out take of one."""
    missing = -kernels.shape[2] % 4
    fours = np.pad(kernels, ((0, 0), (0, 0), (0, missing), (0, 0)))
    fours = fours.reshape(PRODUCTS, -1, 4, kernels.shape[3])
    return np.ascontiguousarray(fours.transpose(0, 1, 3, 2))


def _bands(rows: int) -> int:
    return -(-rows // BAND)


class _Kernels(NamedTuple):
    forwards: Callable[..., None]
    backwards: Callable[..., None]
    of_weights: Callable[..., None]


@lru_cache(maxsize=1)
def _kernels() -> _Kernels:
    vector, cube, batch = (types.Array(types.float32, count, "C") for count in (1, 3, 4))
    products, choices = types.Array(types.float32, 7, "C"), types.Array(types.uint8, 4, "C")

    def compiled(kernel: Callable[..., None], *takes: Any) -> Callable[..., None]:
        return compile_kernel(kernel, takes=(*takes, types.intp, types.intp), sources=_SOURCES)

    return _Kernels(
        compiled(convolve_bands, batch, batch, vector, batch, choices),
        compiled(take_bands_back, batch, choices, batch, batch),
        compiled(learn_from_bands, batch, batch, choices, products, cube),
    )


def convolve_bands(pictures, kernels, bias, pooled, chosen, begin, end):
    """See `convolve`."""
    channels = pictures.shape[1]
    out, rows, columns = pooled.shape[1:]
    groups, bands = -(-columns // LANES), -(-rows // BAND)
    padded, tiles, products, lines = make_room(channels, out, groups)
    flat, flat_chosen = pooled.reshape(-1), chosen.reshape(-1)
    edge, edge_chosen = np.empty(LANES, np.float32), np.empty(LANES, np.uint8)
    for band in range(begin, end):
        picture, top = band // bands, band % bands * BAND
        pad(pictures[picture], padded, 2 * top - 2)
        count = min(BAND, rows - top) * groups
        for first in range(0, count, 2):
            transform(padded, tiles, lines, groups, first, min(first + 1, count - 1))
            multiply(kernels, tiles, products)
            for half in range(min(2, count - first)):
                row, column = (first + half) // groups, (first + half) % groups * LANES
                for o in range(out):
                    a, b, c, d = transform_back(products, o, half)
                    shift = load_in_all(bias, o)
                    best, at = floats(0.0), ints(NONE)
                    best, at = larger(best, at, a + shift, ints(0))
                    best, at = larger(best, at, b + shift, ints(1))
                    best, at = larger(best, at, c + shift, ints(2))
                    best, at = larger(best, at, d + shift, ints(3))
                    to = ((picture * out + o) * rows + top + row) * columns + column
                    if column + LANES <= columns:
                        store(flat, to, best)
                        store(flat_chosen, to, to_octets(at))
                    else:
                        store(edge, 0, best)
                        store(edge_chosen, 0, to_octets(at))
                        copy(edge, 0, flat, to, columns - column)
                        copy(edge_chosen, 0, flat_chosen, to, columns - column)


def take_bands_back(back, chosen, kernels, gradient, begin, end):
    """See `gradient_of_pictures`."""
    out = back.shape[1]
    channels, height, width = gradient.shape[1:]
    rows = (height + 1) // 2
    groups, bands = -(-width // PANEL), -(-rows // BAND)
    padded, tiles, products, lines = make_room(out, 4 * kernels.shape[1], groups)
    flat, edge = gradient.reshape(-1), np.empty(PANEL, np.float32)
    for band in range(begin, end):
        picture, top = band // bands, band % bands * BAND
        unpool(back[picture], chosen[picture], padded, 2 * top - 2)
        count = min(BAND, rows - top) * groups
        for first in range(0, count, 2):
            transform(padded, tiles, lines, groups, first, min(first + 1, count - 1))
            multiply(kernels, tiles, products)
            for half in range(min(2, count - first)):
                row = 2 * (top + (first + half) // groups)
                column = (first + half) % groups * PANEL
                for c in range(channels):
                    one, two, three, four = transform_back(products, c, half)
                    one, two = alternate(one, two)
                    three, four = alternate(three, four)
                    to = ((picture * channels + c) * height + row) * width + column
                    if column + PANEL <= width and row + 1 < height:
                        store(flat, to, one)
                        store(flat, to + LANES, two)
                        store(flat, to + width, three)
                        store(flat, to + width + LANES, four)
                    else:
                        store(edge, 0, one)
                        store(edge, LANES, two)
                        copy(edge, 0, flat, to, min(PANEL, width - column))
                        if row + 1 < height:
                            store(edge, 0, three)
                            store(edge, LANES, four)
                            copy(edge, 0, flat, to + width, min(PANEL, width - column))


def learn_from_bands(pictures, back, chosen, products, sums, begin, end):
    """See `gradients_of_weights`."""
    count, channels = pictures.shape[:2]
    out, rows, columns = back.shape[1:]
    groups, bands = -(-columns // LANES), -(-rows // BAND)
    padded, tiles, gradients, lines = make_room(channels, out, groups)
    square = np.empty(PRODUCTS * LANES * LANES, np.float32)
    flat, flat_chosen, flat_sums = back.reshape(-1), chosen.reshape(-1), sums.reshape(-1)
    edge, edge_chosen = np.empty(LANES, np.float32), np.empty(LANES, np.uint8)
    for share in range(begin, end):
        first_band = share * count * bands // _SHARES
        for band in range(first_band, (share + 1) * count * bands // _SHARES):
            picture, top = band // bands, band % bands * BAND
            pad(pictures[picture], padded, 2 * top - 2)
            last = min(BAND, rows - top) * groups - 1
            for first in range(0, last + 1, 2):
                transform(padded, tiles, lines, groups, first, min(first + 1, last))
                for half in range(2):
                    row, column = (first + half) // groups, (first + half) % groups * LANES
                    width = columns - column if first + half <= last else 0
                    for o in range(out):
                        at = ((picture * out + o) * rows + top + row) * columns + column
                        if width >= LANES:
                            value, which = load(flat, at), load(flat_chosen, at)
                        else:
                            store(edge, 0, floats(0.0))
                            copy(flat, at, edge, 0, width)
                            copy(flat_chosen, at, edge_chosen, 0, width)
                            value, which = load(edge, 0), load(edge_chosen, 0)
                        to = (share * out + o) * LANES
                        learnt = select(which == octets(NONE), floats(0.0), value)
                        store(flat_sums, to, load(flat_sums, to) + learnt)
                        transform_gradient(value, which, square, o % LANES)
                        if (o + 1) % LANES == 0:
                            turn(square, gradients, out, o + 1 - LANES, half)
                add_products(products, share, tiles, channels, gradients, out)
