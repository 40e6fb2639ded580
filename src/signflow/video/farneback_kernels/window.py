"""What a window of pixels says together about the flow in its middle."""

from signflow.compiled.lanes import (
    LANES,
    doubles,
    floats,
    load,
    part,
    store,
    to_doubles,
    to_floats,
)
from signflow.video.farneback_kernels.rows import USUAL, margin_of, repeat_ends


@part
def sum_along(row, partial, ring, to, width, pitch, reach, window):
    """The window's weighted sums along a row of matrices, into the ring."""
    margin = margin_of(reach)
    length = pitch + 2 * margin + LANES
    for plane in range(5):
        repeat_ends(row, plane * length + margin, width, reach)
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


@part
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


@part
def first_sums(sums, to, ring, rows, height, reach, stride):
    """The sums a row above the first, the picture's first row standing for what lies above it."""
    for x in range(0, stride, LANES):
        total = to_doubles(load(ring, rows + x)) * doubles(reach + 2.0)
        for y in range(1, reach):
            at = rows + (min(y, height - 1) % (2 * reach + 2)) * stride + x
            total = total + to_doubles(load(ring, at))
        store(sums, to + x, total)


@part
def solve_box(sums, start, ring, new, old, across, down, to, pitch, scale):
    """The flow of a row from a box: its sums, less the row that leaves, with the one that comes."""
    factor = doubles(scale)
    for x in range(0, pitch, LANES):
        g11 = _slide(sums, start, ring, new, old, x) * factor
        g12 = _slide(sums, start, ring, new, old, pitch + x) * factor
        g22 = _slide(sums, start, ring, new, old, 2 * pitch + x) * factor
        h1 = _slide(sums, start, ring, new, old, 3 * pitch + x) * factor
        h2 = _slide(sums, start, ring, new, old, 4 * pitch + x) * factor
        _solve(g11, g12, g22, h1, h2, across, down, to + x)


@part
def _slide(sums, start, ring, new, old, x):
    change = to_doubles(load(ring, new + x)) - to_doubles(load(ring, old + x))
    total = load(sums, start + x) + change
    store(sums, start + x, total)
    return total


@part
def solve_gaussian(y, height, reach, window, ring, rows, kept, across, down, pitch):
    """The flow of a row from a Gaussian window."""
    for x in range(0, pitch, LANES):
        g11 = _weighted(y, height, reach, window, ring, rows, kept, pitch, x)
        g12 = _weighted(y, height, reach, window, ring, rows, kept, pitch, pitch + x)
        g22 = _weighted(y, height, reach, window, ring, rows, kept, pitch, 2 * pitch + x)
        h1 = _weighted(y, height, reach, window, ring, rows, kept, pitch, 3 * pitch + x)
        h2 = _weighted(y, height, reach, window, ring, rows, kept, pitch, 4 * pitch + x)
        _solve(g11, g12, g22, h1, h2, across, down, y * pitch + x)


@part
def _weighted(y, height, reach, window, ring, rows, kept, pitch, x):
    stride = 5 * pitch
    total = load(ring, rows + (y % kept) * stride + x) * floats(window[0])
    for k in range(1, reach + 1):
        above = load(ring, rows + (max(y - k, 0) % kept) * stride + x)
        below = load(ring, rows + (min(y + k, height - 1) % kept) * stride + x)
        total = total + (above + below) * floats(window[k])
    return to_doubles(total)


@part
def _solve(g11, g12, g22, h1, h2, across, down, to):
    inverse = doubles(1.0) / (g11 * g22 - g12 * g12 + doubles(1e-3))
    store(across, to, to_floats((g11 * h2 - g12 * h1) * inverse))
    store(down, to, to_floats((g22 * h1 - g12 * h2) * inverse))
