"""Which differences between experiments are real: paired tests on the same clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import lcm

import numpy as np
import scipy

from signflow.evaluation.experiments import Experiment
from signflow.evaluation.intervals import (
    Floats,
    Integers,
    Interval,
    percentile_interval,
    resampled_counts,
)

LEVEL = 0.05
"""A difference counts as real when chance gives one as large less often than this."""

_DIRECT = 10**7
"""Up to so many products two distributions are convolved directly, which is exact to the last."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two experiments on the test clips that both were evaluated on.

    Attributes:
        first, second: what is compared.
        clips: how many they share.
        difference: top-1 of the first minus that of the second, means over runs (bootstrap interval
            over clips).
        only_first, only_second: clips that the one recognises and the other does not; with several
            runs each, the mean number.
        p: chance of a difference at least as large if the two were alike on every clip (exact).
        p_over_groups: the same where clips of one signer or scene stand or fall together; None with
            fewer than six groups, of which no result could be significant.
        p_corrected: `p` after Holm's correction for all comparisons made beside this one.
        least: the smallest difference on these clips that would have `p` below `LEVEL`; None where
            none would.
    """

    first: Experiment
    second: Experiment
    clips: int
    difference: Interval
    only_first: float
    only_second: float
    p: float
    p_over_groups: float | None
    p_corrected: float
    least: float | None

    @property
    def real(self) -> bool:
        """Whether the difference stands after the correction."""
        return self.p_corrected < LEVEL

    @property
    def holds_for_new_signers(self) -> bool:
        """Whether nothing speaks against that it also stands where signers are drawn, not clips."""
        return self.p_over_groups is None or self.p_over_groups < LEVEL


def compare_all(experiments: Sequence[Experiment]) -> list[Comparison]:
    """Compare every pair of experiments with common test clips; correct for all of them."""
    return _corrected(
        [
            _compare(first, second)
            for place, first in enumerate(experiments)
            for second in experiments[place + 1 :]
            if _common(first, second)
        ]
    )


def compare_with(chosen: Experiment, others: Sequence[Experiment]) -> list[Comparison]:
    """Compare `chosen` with each of the others; correct for all of these comparisons."""
    return _corrected(
        [
            _compare(chosen, other)
            for other in others
            if other is not chosen and _common(chosen, other)
        ]
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the p of McNemar's exact test, two-sided.

    Q. McNemar, Psychometrika 12 (1947), 153-157. Under chance each clip that one of two nets
    recognises and the other does not is the first's or the second's with even odds.

    Args:
        only_first: clips that the first recognises and the second does not.
        only_second: clips for which it is the other way round.

    Example:
        >>> mcnemar(9, 1)
        0.0214...
    """
    return sign_flip(np.array([1] * only_first + [-1] * only_second, dtype=np.int64))[0]


def sign_flip(differences: Integers, *, level: float = LEVEL) -> tuple[float, int | None]:
    """Test whether differences are as often positive as negative, exactly.

    Under chance each keeps its size and takes either sign with even odds (R. A. Fisher, The Design
    of Experiments, 1935, section 21); the distribution of the sum is built up, not drawn. For
    differences of -1, 0 and 1 this is McNemar's exact test; means over seeds are in between.

    Args:
        differences: one a clip (or group), whole numbers.
        level: the p below which a sum counts as significant.

    Returns:
        How likely chance gives a sum at least as far from 0, and the smallest sum that would be
        significant (None where none would).
    """
    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    if len(sizes) == 0:
        return 1.0, None
    # The sum moves in steps of twice the common divisor; sums[k] belongs to 2 * step * k - total.
    step = int(np.gcd.reduce(sizes))
    total = int((sizes * counts).sum())
    sums = np.ones(1)
    for size, count in zip((sizes // step).tolist(), counts.tolist(), strict=True):
        one = np.zeros(size * count + 1)
        one[::size] = scipy.stats.binom.pmf(np.arange(count + 1), count, 0.5)
        sums = _convolved(sums, one)
    values = np.abs(2 * step * np.arange(len(sums)) - total)
    by_distance = np.bincount(values, weights=np.maximum(sums, 0.0), minlength=total + 1)
    tail = np.minimum(by_distance[::-1].cumsum()[::-1], 1.0)
    attained = np.unique(values)
    enough = attained[tail[attained] < level]
    least = int(enough[0]) if len(enough) else None
    return float(tail[abs(int(differences.sum()))]), least


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number, in the same order.

    Rejecting those below a level errs anywhere among them with no more than that probability,
    whatever ties them together: S. Holm, Scandinavian Journal of Statistics 6 (1979), 65-70.

    Example:
        >>> holm([0.01, 0.04, 0.03, 0.005])
        [0.03, 0.06, 0.06, 0.02]
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def _corrected(comparisons: list[Comparison]) -> list[Comparison]:
    corrected = holm([comparison.p for comparison in comparisons])
    return [
        replace(comparison, p_corrected=p)
        for comparison, p in zip(comparisons, corrected, strict=True)
    ]


def _common(first: Experiment, second: Experiment) -> list[str]:
    if first.test is None or second.test is None:
        return []
    return sorted(first.test.recognised.keys() & second.test.recognised.keys())


def _compare(first: Experiment, second: Experiment) -> Comparison:
    clip_ids = _common(first, second)
    ours, theirs = _shares(first, clip_ids), _shares(second, clip_ids)
    # As whole numbers: in units of one run's share of a clip.
    unit = lcm(*(tries for _, tries in ours), *(tries for _, tries in theirs))
    differences = np.array(
        [
            hits * (unit // tries) - other_hits * (unit // other_tries)
            for (hits, tries), (other_hits, other_tries) in zip(ours, theirs, strict=True)
        ],
        dtype=np.int64,
    )
    p, least = sign_flip(differences)
    share, other = (np.array([hits / tries for hits, tries in each]) for each in (ours, theirs))
    return Comparison(
        first=first,
        second=second,
        clips=len(clip_ids),
        difference=_difference(differences / unit),
        only_first=float((share * (1 - other)).sum()),
        only_second=float((other * (1 - share)).sum()),
        p=p,
        p_over_groups=_p_over_groups(differences, clip_ids, first.groups),
        p_corrected=p,
        least=None if least is None else least / unit / len(clip_ids),
    )


def _shares(experiment: Experiment, clip_ids: Sequence[str]) -> list[tuple[int, int]]:
    assert experiment.test is not None
    return [experiment.test.recognised[clip_id] for clip_id in clip_ids]


def _p_over_groups(
    differences: Integers, clip_ids: Sequence[str], groups: Mapping[str, str]
) -> float | None:
    names = [groups.get(clip_id, f"clip {clip_id}") for clip_id in clip_ids]
    clusters, member_of = np.unique(names, return_inverse=True)
    if not groups or len(clusters) < _LEAST_GROUPS:
        return None
    sums = np.bincount(member_of, weights=differences).round().astype(np.int64)
    return sign_flip(sums)[0]


_LEAST_GROUPS = 6
"""With n signs to flip no p can be below 2 / 2 ** n: five groups never come below 0.05."""


def _difference(differences: Floats) -> Interval:
    value = float(differences.mean())
    if len(differences) < 2:
        return Interval(value, None, None)
    resampled = np.concatenate(
        [differences @ drawn / len(differences) for drawn in resampled_counts(len(differences))]
    )
    return percentile_interval(value, resampled)


def _convolved(first: Floats, second: Floats) -> Floats:
    if len(first) * len(second) <= _DIRECT:
        return np.convolve(first, second)
    length = len(first) + len(second) - 1
    convolved: Floats = np.fft.irfft(
        np.fft.rfft(first, length) * np.fft.rfft(second, length), length
    )
    return convolved
