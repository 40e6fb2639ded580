"""Is one clip a copy of another? Asked of two sketches, and answered by how they move.

Two takes of a sign by one person before one wall look alike, frame by frame: what tells them from a
copy is *when* each pixel changes. So the two are laid over each other (mirrored or not, cut or not,
shifted in time), what stands still is taken away, and the rest is correlated.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from signflow.audit.sketches import SIDE, Sketch

Floats = NDArray[np.float32]

COPY_SCORE = 0.94
"""From this correlation on two clips are called copies; measured in docs/audit.md."""

MOST_SHIFT = 0.2
"""Share of the shorter clip by which one may begin before the other's first frame."""

LEAST_SHARED = 0.75
"""Share of the longer clip's time that both must show: a copy may be trimmed, not halved."""

_STILL = 3.0
"""Grey levels (standard deviation over time) from which on a pixel moves rather than flickers."""

_PLAIN = 1.5
"""Grey levels (standard deviation over a tile) up to which it shows nothing."""

_FEWEST_PIXELS = 12
"""With fewer pixels that move in both, two clips are too still to be compared."""

LEAST_SCENE = 0.8
"""Correlation of the stills, in the median of 16 tiles: an avatar, or a drawing, may move alike in
two scenes; a logo spoils a few tiles."""

_STEPS = 4
"""Shifts that are tried between one picture of a sketch and the next."""


@dataclass(frozen=True)
class Match:
    """How well two clips lie over each other.

    Attributes:
        score: correlation of what moves in both, -1 to 1.
        shift: seconds to add to the second clip's times to meet the first's.
        mirrored: whether the second was flipped, left to right.
    """

    score: float
    shift: float
    mirrored: bool


NO_MATCH = Match(-1.0, 0.0, False)


def match(first: Sketch, second: Sketch) -> Match:
    """Lay two sketches over each other as well as can be.

    Returns:
        the best match; `NO_MATCH` where they differ too much in length, or move too little.

    Example:
        >>> match(sketch, sketch).score  # doctest: +SKIP
        1.0
    """
    shifts = _shifts(first.times, second.times)
    if not shifts.size:
        return NO_MATCH
    best = NO_MATCH
    ours = first.frames.astype(np.float32)
    for mirrored in (False, True):
        frames = second.frames[:, :, ::-1] if mirrored else second.frames
        theirs = np.ascontiguousarray(frames, dtype=np.float32)
        for warp in _warps(ours, theirs):
            score, shift = _compare(ours, theirs, warp, first.times, second.times, shifts)
            if score > best.score:
                best = Match(score, shift, mirrored)
    return best


def _shifts(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """The shifts in time to try, in seconds; none where the lengths differ too much."""
    if len(first) < 3 or len(second) < 3:
        return np.empty(0)
    lengths = float(first[-1]), float(second[-1])
    if min(lengths) < LEAST_SHARED * max(lengths):
        return np.empty(0)
    step = min(np.median(np.diff(first)), np.median(np.diff(second))) / _STEPS
    if step <= 0:
        return np.empty(0)
    slack, difference = MOST_SHIFT * min(lengths), lengths[0] - lengths[1]
    low, high = min(0.0, difference) - slack, max(0.0, difference) + slack
    # Copies that are not trimmed meet exactly: at the start, and at the end.
    return np.union1d(np.arange(low, high + step, step), [0.0, difference])


def _warps(ours: Floats, theirs: Floats) -> list[Floats]:
    """Ways to lay the second's pictures over the first's: as they are, and by their stills."""
    as_is = np.eye(2, 3, dtype=np.float32)
    still, other = (_normal(frames.mean(axis=0)) for frames in (ours, theirs))
    try:
        criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
        found = cv2.findTransformECC(
            still, other, as_is.copy(), cv2.MOTION_AFFINE, criteria, None, 3
        )[1]
    except cv2.error:
        return [as_is]
    # A warp that turns a clip to a sliver is one to which nothing better could be found.
    area = abs(float(np.linalg.det(found[:, :2])))
    return [as_is, found] if 0.6 < area < 1.7 else [as_is]


def _normal(picture: Floats) -> Floats:
    deviation = picture - picture.mean()
    normal: Floats = (deviation / (picture.std() + 1e-3) * 40 + 128).astype(np.float32)
    return normal


def _compare(
    ours: Floats,
    theirs: Floats,
    warp: Floats,
    our_times: NDArray[np.float64],
    their_times: NDArray[np.float64],
    shifts: NDArray[np.float64],
) -> tuple[float, float]:
    """The score and the shift, with the second's pictures warped."""
    laid, shared = _lay(theirs, warp)
    if shared.mean() < 0.5:
        return NO_MATCH.score, 0.0
    a, b = ours[:, shared], laid[:, shared]
    shift = _best_shift(a, b, our_times, their_times, shifts)
    if shift is None:
        return NO_MATCH.score, 0.0
    seen = _within(their_times + shift, our_times)
    met = _weights(our_times, their_times[seen] + shift) @ a
    if _scene(ours.mean(axis=0), laid.mean(axis=0), shared) < LEAST_SCENE:
        return NO_MATCH.score, shift
    return _correlation_of_motion(met, b[seen]), shift


def _scene(ours: Floats, theirs: Floats, shared: NDArray[np.bool_]) -> float:
    """How alike two stills are, -1 to 1: the median over tiles that show anything."""
    a, b, inside = _tiles(ours), _tiles(theirs), _tiles(shared).all(axis=1)
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    shows = inside & (a.std(axis=1) > _PLAIN) & (b.std(axis=1) > _PLAIN)
    if not shows.any():
        return NO_MATCH.score
    a, b = a[shows], b[shows]
    products = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return float(np.median(products))


def _tiles(picture: NDArray[Any]) -> NDArray[Any]:
    """A picture (32, 32) in sixteen squares, (16, 64)."""
    side = SIDE // 4
    return picture.reshape(4, side, 4, side).swapaxes(1, 2).reshape(16, side * side)


def _lay(frames: Floats, warp: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Warp pictures; return them, and which pixels (32, 32) they still show."""
    if np.array_equal(warp, np.eye(2, 3)):
        return frames, np.ones((SIDE, SIDE), dtype=bool)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = [cv2.warpAffine(frame, warp, (SIDE, SIDE), flags=flags) for frame in frames]
    whole = cv2.warpAffine(np.ones((SIDE, SIDE), np.float32), warp, (SIDE, SIDE), flags=flags)
    return np.stack(laid), whole > 0.99


def _best_shift(
    a: Floats,
    b: Floats,
    our_times: NDArray[np.float64],
    their_times: NDArray[np.float64],
    shifts: NDArray[np.float64],
) -> float | None:
    """The shift at which the two correlate most, of all that leave enough shared time.

    Between two pictures of the first clip stands their mean by distance. So every sum over pixels
    is one over the products of whole pictures, which are formed once for all shifts.
    """
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    across, within = a @ b.T, a @ a.T
    moments = their_times + shifts[:, None]
    seen = _within(moments, our_times)
    longer = max(our_times[-1], their_times[-1])
    first = np.argmax(seen, axis=1)
    last = len(their_times) - 1 - np.argmax(seen[:, ::-1], axis=1)
    enough = seen.any(axis=1) & (their_times[last] - their_times[first] >= LEAST_SHARED * longer)
    enough &= seen.sum(axis=1) >= 3
    if not enough.any():
        return None
    place, part = _places(our_times, moments)
    column = np.arange(len(their_times))
    product = (1 - part) * across[place, column] + part * across[place + 1, column]
    own = (
        (1 - part) ** 2 * within[place, place]
        + 2 * part * (1 - part) * within[place, place + 1]
        + part**2 * within[place + 1, place + 1]
    )
    energy = (own * seen).sum(axis=1) * ((b * b).sum(axis=1) * seen).sum(axis=1)
    correlation = (product * seen).sum(axis=1) / np.sqrt(energy + 1e-9)
    return float(shifts[np.argmax(np.where(enough, correlation, -np.inf))])


def _correlation_of_motion(a: Floats, b: Floats) -> float:
    """Correlate two sequences (K, pixels) over the pixels that move in both.

    A logo hides the hands behind it: where one clip stands still nothing can be compared.
    """
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    strengths = a.std(axis=0), b.std(axis=0)
    moves = np.logical_and(*(s > max(_STILL, 0.3 * np.quantile(s, 0.95)) for s in strengths))
    if moves.sum() < _FEWEST_PIXELS:
        return NO_MATCH.score
    a, b = a[:, moves], b[:, moves]
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def _within(moments: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (moments >= times[0] - 1e-6) & (moments <= times[-1] + 1e-6)
    return inside


def _places(
    times: NDArray[np.float64], moments: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Between which two times each moment lies: the earlier's position, and how far past it."""
    place = np.clip(np.searchsorted(times, moments, side="right") - 1, 0, len(times) - 2)
    gap = times[place + 1] - times[place]
    part = np.where(gap > 0, (moments - times[place]) / np.where(gap > 0, gap, 1), 0.0)
    return place.astype(np.int64), np.clip(part, 0.0, 1.0)


def _weights(times: NDArray[np.float64], moments: NDArray[np.float64]) -> Floats:
    """The matrix (moments, times) that takes pictures at `times` to those at `moments`."""
    place, part = _places(times, moments)
    weights = np.zeros((len(moments), len(times)), dtype=np.float32)
    row = np.arange(len(moments))
    weights[row, place] += (1 - part).astype(np.float32)
    weights[row, place + 1] += part.astype(np.float32)
    return weights
