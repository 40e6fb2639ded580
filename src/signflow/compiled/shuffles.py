"""Numbers that change places between vectors of `lanes`.

Imports numba: import this module only where it is used.
"""

from typing import Any

from numba import types
from numba.extending import intrinsic

from signflow.compiled.lanes import FLOATS, LANES, shuffle


@intrinsic
def evens_and_odds(_: Any, first: Any, second: Any) -> Any:
    """Of sixteen floats those at even places, and those at odd ones."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one, two = arguments
        halves = [shuffle(builder, one, two, range(odd, 2 * LANES, 2)) for odd in range(2)]
        return context.make_tuple(builder, signature.return_type, halves)

    return types.UniTuple(FLOATS, 2)(first, second), emit


@intrinsic
def alternate(_: Any, evens: Any, odds: Any) -> Any:
    """Sixteen floats of eight for even places and eight for odd ones."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one, two = arguments
        order = [lane + place for lane in range(LANES) for place in (0, LANES)]
        halves = [shuffle(builder, one, two, half) for half in (order[:LANES], order[LANES:])]
        return context.make_tuple(builder, signature.return_type, halves)

    return types.UniTuple(FLOATS, 2)(evens, odds), emit


@intrinsic
def transpose(_: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> Any:
    """Eight vectors: of every one's first number, of every one's second, and so on."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = list(arguments)
        for distance in (1, 2, 4):
            # Squares beside the diagonal change places, each twice as wide as those before.
            lower = [lane & ~distance | (lane & distance and LANES) for lane in range(LANES)]
            for row in range(LANES):
                if not row & distance:
                    pair = rows[row], rows[row + distance]
                    rows[row] = shuffle(builder, *pair, lower)
                    upper = [lane + distance for lane in lower]
                    rows[row + distance] = shuffle(builder, *pair, upper)
        return context.make_tuple(builder, signature.return_type, rows)

    return types.UniTuple(FLOATS, LANES)(a, b, c, d, e, f, g, h), emit
