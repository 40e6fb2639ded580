import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signflow.evaluation.intervals import Interval, wilson_interval
from signflow.evaluation.measures import MEASURES, Measure
from signflow.evaluation.predictions import Predictions, join
from signflow.evaluation.seeds import mean_over_runs, pooled_top1


def predictions(correct: list[bool], *, first: int = 0) -> Predictions:
    """A run of two classes that recognises the clips where `correct` is true."""
    right = np.array([[0.9, 0.1]], dtype=np.float32)
    return Predictions(
        clip_ids=tuple(f"clip {first + number:04}" for number in range(len(correct))),
        labels=np.zeros(len(correct), dtype=np.int32),
        scores=np.concatenate([right if hit else right[:, ::-1] for hit in correct]),
    )


def width(interval: Interval) -> float:
    assert interval.low is not None
    assert interval.high is not None
    return interval.high - interval.low


def drawn(seed: int, clips: int, share: float) -> list[bool]:
    return (np.random.default_rng(seed).random(clips) < share).tolist()


def test_folds_of_one_seed_are_pooled() -> None:
    folds = [predictions([True] * 3 + [False]), predictions([False] * 6, first=4)]
    assert mean_over_runs(folds).value == 0.3
    assert pooled_top1([(3, 4), (0, 6)]) == wilson_interval(3, 10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(2, 50))
def test_seeds_of_the_same_clips_are_averaged(seed: int, runs: int, clips: int) -> None:
    outcomes = [drawn(seed + run, clips, 0.4) for run in range(runs)]
    interval = mean_over_runs([predictions(outcome) for outcome in outcomes])
    assert interval.value == pytest.approx(np.mean(outcomes))
    assert interval.low is not None
    assert interval.high is not None
    assert 0 <= interval.low <= interval.value + 1e-12 <= interval.high + 2e-12


def test_the_same_run_three_times_is_no_more_certain_than_once() -> None:
    run = predictions(drawn(0, 80, 0.4))
    assert mean_over_runs([run, run, run]) == mean_over_runs([run])


def test_one_run_has_about_wilsons_interval() -> None:
    outcome = drawn(0, 120, 0.4)
    interval = mean_over_runs([predictions(outcome)])
    expected = wilson_interval(sum(outcome), 120)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=0.02)


def test_the_order_of_the_runs_does_not_matter() -> None:
    runs = [predictions(drawn(seed, 40, 0.5)) for seed in range(3)]
    assert mean_over_runs(runs) == mean_over_runs(runs[::-1])


def test_groups_that_are_missed_together_widen_the_interval() -> None:
    by_signer = [True] * 10 + [False] * 10 + [True] * 10 + [False] * 10
    run = predictions(by_signer)
    signers = {clip_id: f"signer {number // 10}" for number, clip_id in enumerate(run.clip_ids)}
    assert width(mean_over_runs([run], groups=signers)) > 2 * width(mean_over_runs([run]))


def test_groups_of_one_clip_change_nothing_but_the_draws() -> None:
    run = predictions(drawn(3, 60, 0.5))
    alone = {clip_id: clip_id for clip_id in run.clip_ids}
    assert width(mean_over_runs([run], groups=alone)) == pytest.approx(
        width(mean_over_runs([run])), abs=0.02
    )


def test_the_interval_holds_the_true_accuracy_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(100):
        interval = mean_over_runs([predictions(drawn(seed, 60, 0.35))], seed=seed)
        assert interval.low is not None
        assert interval.high is not None
        held += interval.low <= 0.35 <= interval.high
    assert 88 <= held <= 99


def test_all_clips_right_does_not_claim_certainty() -> None:
    interval, expected = mean_over_runs([predictions([True] * 10)]), wilson_interval(10, 10)
    assert (interval.value, interval.low, interval.high) == pytest.approx((1, expected.low, 1))


def test_no_runs_have_no_accuracy() -> None:
    assert mean_over_runs([]).value is None


def scored(seed: int, *, clips: int = 40, first: int = 0) -> Predictions:
    generator = np.random.default_rng(seed)
    return Predictions(
        clip_ids=tuple(f"clip {first + number:04}" for number in range(clips)),
        labels=generator.integers(3, size=clips).astype(np.int32),
        scores=generator.dirichlet(np.ones(3), size=clips).astype(np.float32),
    )


@pytest.mark.parametrize("measure", [m for m in MEASURES if m.least_classes < 6])
def test_every_measure_is_averaged_over_seeds_and_joined_over_folds(measure: Measure) -> None:
    whole = [scored(seed) for seed in range(2)]
    folds = [
        Predictions(run.clip_ids[part], run.labels[part], run.scores[part])
        for run in whole
        for part in (slice(0, 13), slice(13, 40))
    ]
    alone = [mean_over_runs([run], measure=measure).value for run in whole]
    together = mean_over_runs(whole, measure=measure)
    assert together.value == pytest.approx(np.mean(alone))
    assert together.low is not None
    assert together.high is not None
    assert together.low <= together.value <= together.high
    assert together.low < together.high
    joined = mean_over_runs(folds, measure=measure)
    assert (joined.value, joined.low, joined.high) == pytest.approx(
        (together.value, together.low, together.high)
    )


def test_clips_of_a_single_signer_say_nothing_about_others() -> None:
    run = scored(0)
    anna = dict.fromkeys(run.clip_ids, "anna")
    assert width(mean_over_runs([run], groups=anna)) > 0.75
    [loss] = [measure for measure in MEASURES if not measure.is_share]
    interval = mean_over_runs([run], measure=loss, groups=anna)
    assert interval.value is not None
    assert (interval.low, interval.high) == (None, None)


def test_folds_that_share_clips_are_not_joined() -> None:
    with pytest.raises(ValueError, match="the parts share clips"):
        join([scored(0), scored(1, first=39)])
