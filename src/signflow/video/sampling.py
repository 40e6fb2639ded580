"""Which frames stand for a stretch of time: pure functions from counts or times to positions."""

import numpy as np
from numpy.typing import NDArray


def sample_floor(n: int, count: int) -> list[int]:
    """Choose `count` of `n` frames at equal distances, from the first frame on.

    The report's sampling: frame `k * floor(n / count)` for k = 0 .. count - 1. What is left over
    by the division is never seen, at the end:

        n = 11, count = 4:   x.x.x.x....    step floor(11 / 4) = 2
        n = 12, count = 4:   x..x..x..x..   step 3
        n =  4, count = 4:   xxxx           step 1

    Args:
        n: frames there are, at least `count`.
        count: frames to choose, at least 1.

    Returns:
        `count` different positions, ascending, 0 <= position < n.

    Raises:
        ValueError: count is below 1, or n below count.
    """
    _check(n, count)
    step = n // count
    return [k * step for k in range(count)]


def sample_even(n: int, count: int) -> list[int]:
    """Choose `count` of `n` frames from the first to the last one.

    Position `k * (n - 1) / (count - 1)`, rounded, for k = 0 .. count - 1: both ends are seen, and
    distances differ by one at most. One frame alone is the middle one.

        n = 11, count = 4:   x..x...x..x    (0, 3.3, 6.7, 10)
        n = 12, count = 4:   x...x..x...x   (0, 3.7, 7.3, 11)
        n =  4, count = 4:   xxxx

    Args:
        n: frames there are, at least `count`.
        count: frames to choose, at least 1.

    Returns:
        `count` different positions, ascending, 0 <= position < n.

    Raises:
        ValueError: count is below 1, or n below count.
    """
    _check(n, count)
    if count == 1:
        return [n // 2]
    gaps = count - 1
    return [(2 * k * (n - 1) + gaps) // (2 * gaps) for k in range(count)]


def sample_centre(n: int, count: int) -> list[int]:
    """Choose the middle frame of each of `count` equal parts of `n` frames.

    Position `floor((k + 1/2) * n / count)` for k = 0 .. count - 1: what is not seen at the start
    and at the end is half a part each, so that a sign between two rests loses little.

        n = 11, count = 4:   .x..x.x..x.    (1.4, 4.1, 6.9, 9.6)
        n = 12, count = 4:   .x..x..x..x.   (1.5, 4.5, 7.5, 10.5)
        n =  4, count = 4:   xxxx

    Source: the testing mode of Temporal Segment Networks (Wang et al., ECCV 2016).

    Args:
        n: frames there are, at least `count`.
        count: frames to choose, at least 1.

    Returns:
        `count` different positions, ascending, 0 <= position < n.

    Raises:
        ValueError: count is below 1, or n below count.
    """
    _check(n, count)
    return [(2 * k + 1) * n // (2 * count) for k in range(count)]


def sample_segments(n: int, count: int) -> list[int]:
    """Choose the middle frame of each of `count` equal parts of `n` frames, however few they are.

    As `sample_centre`; where there are fewer frames than parts, a frame stands for several:

        n = 12, count = 4:   .x..x..x..x.
        n =  3, count = 4:   xxx            (0.4, 1.1, 1.9, 2.6): the second frame twice

    Args:
        n: frames there are, at least 1.
        count: frames to choose, at least 1.

    Returns:
        `count` positions, ascending, 0 <= position < n.

    Raises:
        ValueError: count or n is below 1.

    Source: Temporal Segment Networks (Wang et al., ECCV 2016).
    """
    if min(n, count) < 1:
        raise ValueError(f"n is {n} and count {count}, but both must be at least 1")
    return [(2 * k + 1) * n // (2 * count) for k in range(count)]


def sample_rate(times: NDArray[np.float64], count: int, fps: float) -> list[int]:
    """Choose `count` frames at a rate, around the middle of a stretch.

    Chosen is what is shown at `middle + (k - (count - 1) / 2) / fps` for k = 0 .. count - 1: before
    the first frame the first, after the last one the last. So a short stretch stands still at both
    ends, and its middle stays in the middle. (SlowFast, too, holds the nearest frame; MMAction2
    by default starts again from the first, which would be a motion that never was.) At a rate
    above the video's own, frames are repeated.

        9 frames at 25 fps, count = 4, fps = 25:     ..xxxx...
        9 frames at 25 fps, count = 4, fps = 12.5:   .x.x.x.x.
        3 frames at 25 fps, count = 6, fps = 25:     xxx          0 0 0 1 2 2
        3 frames at 25 fps, count = 4, fps = 50:     xxx          0 1 1 2

    Args:
        times: float64 (N,), when each frame of the stretch is shown, in seconds, ascending, N >= 1.
        count: frames to choose, at least 1.
        fps: frames per second to choose, above 0.

    Returns:
        `count` positions, 0 <= position < N, ascending, some of them repeated where the stretch is
        too short or the rate too high.

    Raises:
        ValueError: there are no times, count is below 1, or fps is not above 0.
    """
    if len(times) < 1:
        raise ValueError("there are no times, but at least one frame is needed")
    if count < 1:
        raise ValueError(f"count is {count}, but must be at least 1")
    if not fps > 0:
        raise ValueError(f"fps is {fps}, but must be above 0")
    middle = (times[0] + times[-1]) / 2
    moments = middle + (np.arange(count) - (count - 1) / 2) / fps
    # Moments fall exactly on frames, or exactly between two, as a rule; time stamps are rounded
    # (to milliseconds in Matroska). Three tenths of a frame keep clear of both.
    slack = 0.3 * float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    shown = np.searchsorted(times, moments + slack, side="right") - 1
    positions: list[int] = np.clip(shown, 0, len(times) - 1).tolist()
    return positions


def middle_index(count: int) -> int:
    """The position of a clip's middle frame among its `count` stored frames.

    With an even count there are two middle frames; this is the later one:

        count = 5:   ..x..
        count = 10:  .....x....

    Raises:
        ValueError: count is below 1.
    """
    if count < 1:
        raise ValueError(f"count is {count}, but a clip without frames has no middle")
    return count // 2


def _check(n: int, count: int) -> None:
    if count < 1:
        raise ValueError(f"count is {count}, but must be at least 1")
    if n < count:
        raise ValueError(f"n is {n}, but {count} different frames need at least as many")
