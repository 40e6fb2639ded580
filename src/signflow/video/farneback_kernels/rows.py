"""How pictures, and what is derived from them, lie in flat float32 arrays.

A row of a picture has `pitch` numbers, its width rounded up to a multiple of `LANES`; what stands
beyond the width has no meaning. A row of an expansion has five such rows, one after another: the
coefficients of y, x, y^2, x^2 and xy, so that neighbouring pixels are neighbours in memory.
"""

from signflow.compiled.lanes import LANES, part

GUARD = 4 * LANES
"""Numbers before the first and after the last row of an expansion that may be read, not used."""

USUAL = 5
"""The reach of the report's fit and of its window; loops of that known length are unrolled."""


def round_up(number: int) -> int:
    """The next multiple of `LANES`: vectors of such rows do not lie in two lines of the cache."""
    return -(-number // LANES) * LANES


@part
def margin_of(reach):
    """Where a row begins that is continued by `reach` numbers: `round_up`, compiled."""
    return (reach + LANES - 1) // LANES * LANES


@part
def repeat_ends(row, start, width, reach):
    """Continue a row of `width` numbers by its first and its last, `reach` to either side."""
    first = row[start]
    last = row[start + width - 1]
    for x in range(reach):
        row[start - reach + x] = first
        row[start + width + x] = last
