"""The polynomial that Farneback's method fits around every pixel."""

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
from signflow.video.farneback_kernels.rows import GUARD, USUAL, margin_of, repeat_ends


def expand(image, width, height, reach, weights, inverse, rows, expansion):
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
    margin = margin_of(reach)
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
            repeat_ends(rows, plane * length + margin, width, reach)
        for x in range(0, pitch, LANES):
            to = GUARD + 5 * y * pitch + x
            if reach == USUAL:
                _fit(margin + x, pitch, length, USUAL, weights, inverse, rows, expansion, to)
            else:
                _fit(margin + x, pitch, length, reach, weights, inverse, rows, expansion, to)


@part
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
