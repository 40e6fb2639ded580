import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signflow.evaluation.intervals import (
    RESAMPLES,
    percentile_interval,
    reflected_interval,
    resampled_counts,
    wilson_interval,
    wilson_interval_of_share,
)


@given(st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_solves_its_defining_equation(counts: tuple[int, int]) -> None:
    correct, total = counts
    interval = wilson_interval(correct, total)
    if total == 0:
        assert (interval.value, interval.low, interval.high) == (None, None, None)
        return
    assert interval.value is not None
    assert interval.low is not None
    assert interval.high is not None
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    z = 1.959963984540054
    for bound in (interval.low, interval.high):
        # The bounds are the p for which the observed share lies z standard errors from p.
        distance = (interval.value - bound) ** 2
        assert distance == pytest.approx(z**2 * bound * (1 - bound) / total, abs=1e-9)


def test_wilsons_interval_of_the_reports_best_figure() -> None:
    interval = wilson_interval(33, 92)
    assert (interval.low, interval.high) == pytest.approx((0.2682, 0.4607), abs=5e-4)


@pytest.mark.parametrize(("correct", "total"), [(-1, 3), (4, 3)])
def test_impossible_counts_have_no_interval(correct: int, total: int) -> None:
    with pytest.raises(ValueError, match="correct must be within"):
        wilson_interval(correct, total)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_shares_interval_is_that_of_its_counts(counts: tuple[int, int]) -> None:
    correct, total = counts
    of_counts = wilson_interval(correct, total)
    of_share = wilson_interval_of_share(correct / total, total)
    assert (of_share.low, of_share.high) == pytest.approx((of_counts.low, of_counts.high))


@pytest.mark.parametrize(
    ("share", "total", "message"),
    [(35.87, 92, "share must be within 0 .. 1"), (0.3, 0, "total must be 1 or more")],
)
def test_a_share_that_cannot_be_has_no_interval(share: float, total: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wilson_interval_of_share(share, total)


def test_every_resample_draws_as_many_as_there_are() -> None:
    blocks = list(resampled_counts(7))
    assert sum(block.shape[1] for block in blocks) == RESAMPLES
    assert all((block.sum(axis=0) == 7).all() for block in blocks)
    again = resampled_counts(7)
    assert all(np.array_equal(one, other) for one, other in zip(blocks, again, strict=True))


def test_percentiles_leave_out_resamples_that_say_nothing() -> None:
    resampled = np.array([np.nan, *np.linspace(0, 1, 1001)])
    interval = percentile_interval(0.5, resampled)
    assert (interval.low, interval.high) == pytest.approx((0.025, 0.975))


def test_a_reflected_interval_lies_below_a_figure_that_resampling_pushes_up() -> None:
    interval = reflected_interval(0.3, np.linspace(0.3, 0.5, 1001))
    assert (interval.low, interval.high) == pytest.approx((0.105, 0.3))
    assert reflected_interval(0.1, np.linspace(0.1, 0.5, 1001)).low == 0
