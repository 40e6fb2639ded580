"""How far to trust a figure: Wilson's interval for a share, resampling for everything else."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import scipy

RESAMPLES = 10_000
"""How often a bootstrap resamples."""

_RESAMPLES_AT_A_TIME = 1_000
_MOST_HELD_BYTES = 64 * 2**20
_COUNT_BYTES = 1
"""A byte is enough: that one of n clusters is drawn 256 times in n draws never happens."""

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Interval:
    """A figure and the range that holds the true one with the stated confidence.

    All three are None where nothing was counted; the bounds alone where what was counted says
    nothing about how far it may vary (all clips are of one signer).
    """

    value: float | None
    low: float | None
    high: float | None


NOTHING_COUNTED = Interval(None, None, None)


def wilson_interval(correct: int, total: int, *, confidence: float = 0.95) -> Interval:
    """Return `correct / total` with Wilson's score interval, or nothing where `total` is 0.

    It keeps its confidence for few clips and for shares near 0 and 1, where the usual
    "± 1.96 standard errors" does not: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), 209-212.

    Raises:
        ValueError: `correct` is not within 0 .. `total`.

    Example:
        >>> wilson_interval(33, 92).low
        0.2682...
    """
    if not 0 <= correct <= total:
        raise ValueError(f"correct must be within 0 .. total = {total}, got {correct}")
    if total == 0:
        return NOTHING_COUNTED
    bounds = scipy.stats.binomtest(correct, total).proportion_ci(
        confidence_level=confidence, method="wilson"
    )
    return Interval(correct / total, float(bounds.low), float(bounds.high))


def wilson_interval_of_share(share: float, total: int, *, confidence: float = 0.95) -> Interval:
    """Return Wilson's interval of a share that is known only rounded, as in a published table.

    Raises:
        ValueError: `share` is not within 0 .. 1, or `total` is below 1.

    Example:
        >>> wilson_interval_of_share(0.3587, 92).low
        0.2682...
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be within 0 .. 1, got {share}")
    if total < 1:
        raise ValueError(f"total must be 1 or more, got {total}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    spread = share * (1 - share) / total + (z / (2 * total)) ** 2
    half = z / (1 + z * z / total) * spread**0.5
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def percentile_interval(value: float, resampled: Floats, *, confidence: float = 0.95) -> Interval:
    """Return `value` with the range that holds the middle `confidence` of `resampled` values.

    B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    low, high = _middle(resampled, confidence)
    return Interval(value, low, high)


def reflected_interval(value: float, resampled: Floats, *, confidence: float = 0.95) -> Interval:
    """Return `value` with the basic bootstrap interval: that of the percentiles, turned round.

    For a figure that resampling (and sampling before it) can only push upwards, such as a
    calibration error: there the percentiles lie above the truth, and turned round `value` they lie
    where it is (A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application, 1997,
    section 5.2). It never goes below 0 and always holds `value`.
    """
    low, high = _middle(resampled, confidence)
    return Interval(value, min(value, max(0.0, 2 * value - high)), max(value, 2 * value - low))


def resampled_counts(clusters: int, *, seed: int = 0) -> Iterable[Counts]:
    """Draw as many clusters as there are, with replacement, `RESAMPLES` times.

    Returns:
        How often each is drawn, of shape (clusters, resamples), in blocks that bound the memory.
        The same for the same arguments: figures that are resampled together stay paired.
    """
    small = RESAMPLES * clusters * _COUNT_BYTES <= _MOST_HELD_BYTES
    return _held(clusters, seed) if small else _draw(clusters, seed)


@lru_cache(maxsize=8)
def _held(clusters: int, seed: int) -> Sequence[Counts]:
    return tuple(_draw(clusters, seed))


def _draw(clusters: int, seed: int) -> Iterator[Counts]:
    generator = np.random.default_rng(seed)
    even = np.full(clusters, 1 / clusters)
    for _ in range(RESAMPLES // _RESAMPLES_AT_A_TIME):
        drawn = generator.multinomial(clusters, even, size=_RESAMPLES_AT_A_TIME)
        yield np.ascontiguousarray(drawn.T, dtype=np.uint8)


def _middle(resampled: Floats, confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    # A resample may miss every clip that a figure needs.
    low, high = np.nanquantile(resampled, (tail, 1 - tail))
    return float(low), float(high)
