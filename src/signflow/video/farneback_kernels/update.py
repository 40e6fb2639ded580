"""Flow brought nearer to the truth: all iterations of a level in one pass."""

import numpy as np

from signflow.compiled.lanes import (
    LANES,
    floats,
    floor,
    load,
    multiply_add,
    part,
    select,
    store,
)
from signflow.video.farneback_kernels.lookup import look_up
from signflow.video.farneback_kernels.rows import GUARD, margin_of
from signflow.video.farneback_kernels.window import first_sums, solve_box, solve_gaussian, sum_along


def update_flow(
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
                sum_along(
                    row, partial, ring, rows + (ready % kept) * stride, width, pitch, reach, window
                )
            if ready >= reach:
                y = ready - reach
                if len(window) > 0:
                    solve_gaussian(y, height, reach, window, ring, rows, kept, across, down, pitch)
                else:
                    if y == 0:
                        first_sums(sums, iteration * stride, ring, rows, height, reach, stride)
                    solve_box(
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


@part
def _matrices(y, before, after, across, down, width, height, border, columns, row, reach):
    """What one row of pixels says about its flow: g11, g12, g22, h1, h2 into `row`."""
    pitch = len(columns)
    stride = 5 * pitch
    margin = margin_of(reach)
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
        r0, r1, r2, r3, r4 = look_up(
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
