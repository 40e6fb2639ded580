import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from signflow.evaluation.calibration import calibration_bins, calibration_floor
from signflow.evaluation.measures import MEASURES, Measure, bootstrap_interval
from signflow.evaluation.scored import CALIBRATION_BINS, Scored

BY_NAME = {measure.name: measure for measure in MEASURES}


def value(name: str, scored: Scored, weights: np.ndarray | None = None) -> float:
    given = np.ones(scored.clips) if weights is None else weights
    return float(BY_NAME[name].of(scored, given[:, None].astype(np.float64))[0])


def made_up(seed: int, *, clips: int, classes: int, sureness: float = 2.0) -> Scored:
    generator = np.random.default_rng(seed)
    labels = generator.integers(classes, size=clips)
    logits = sureness * generator.normal(size=(clips, classes))
    logits[np.arange(clips), labels] += 1.5
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return Scored(labels, exponentials / exponentials.sum(axis=1, keepdims=True))


def calibrated(seed: int, *, clips: int, over_confident: float = 1.0) -> Scored:
    """Two classes; the first is said with a confidence c and true with a chance of c to a power."""
    generator = np.random.default_rng(seed)
    confidence = generator.uniform(0.5, 1, clips)
    wrong = generator.random(clips) >= confidence**over_confident
    return Scored(wrong.astype(np.int64), np.stack([confidence, 1 - confidence], axis=1))


SCORED = st.builds(
    made_up, st.integers(0, 2**32 - 1), clips=st.integers(1, 80), classes=st.integers(6, 12)
)


@settings(max_examples=60, deadline=None)
@given(SCORED, st.integers(0, 2**32 - 1))
def test_measures_agree_with_scikit_learn_under_any_weights(scored: Scored, seed: int) -> None:
    weights = np.random.default_rng(seed).integers(0, 4, size=scored.clips)
    weights[0] += 1
    drawn = {"sample_weight": weights}
    labels, guesses = scored.labels, scored.ranked[:, 0]
    classes, present = np.arange(scored.classes), np.unique(labels[weights > 0])

    assert value("top1", scored, weights) == pytest.approx(
        reference.accuracy_score(labels, guesses, **drawn)
    )
    assert value("top5", scored, weights) == pytest.approx(
        reference.top_k_accuracy_score(labels, scored.scores, k=5, labels=classes, **drawn)
    )
    recalls = reference.recall_score(labels, guesses, labels=present, average=None, **drawn)
    assert value("per_class_mean", scored, weights) == pytest.approx(recalls.mean())
    assert value("macro_f1", scored, weights) == pytest.approx(
        reference.f1_score(labels, guesses, labels=present, average="macro", **drawn)
    )
    assert value("loss", scored, weights) == pytest.approx(
        reference.log_loss(labels, scored.scores, labels=classes, **drawn)
    )


@settings(max_examples=60, deadline=None)
@given(SCORED)
def test_the_calibration_error_agrees_with_scikit_learns_curve(scored: Scored) -> None:
    accuracy, confidence = calibration_curve(
        scored.correct, scored.confidence, n_bins=CALIBRATION_BINS, strategy="uniform"
    )
    bins = [entry for entry in calibration_bins(scored) if entry.clips]
    assert [entry.accuracy.value for entry in bins] == pytest.approx(list(accuracy))
    assert [entry.confidence for entry in bins] == pytest.approx(list(confidence))
    assert sum(entry.clips for entry in bins) == scored.clips
    shares = np.array([entry.clips for entry in bins]) / scored.clips
    error = float((shares * np.abs(accuracy - confidence)).sum())
    assert value("calibration_error", scored) == pytest.approx(error)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_a_weight_counts_a_clip_as_often(measure: Measure) -> None:
    scored = made_up(3, clips=30, classes=7)
    weights = np.random.default_rng(0).integers(0, 4, size=30)
    repeated = np.repeat(np.arange(30), weights)
    again = Scored(scored.labels[repeated], scored.scores[repeated])
    assert value(measure.name, scored, weights) == pytest.approx(value(measure.name, again))


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_an_interval_matches_resampling_the_clips_themselves(measure: Measure) -> None:
    scored = made_up(5, clips=60, classes=7)
    generator = np.random.default_rng(1)
    drawn = [generator.integers(60, size=60) for _ in range(1500)]
    values = [
        value(measure.name, Scored(scored.labels[places], scored.scores[places]))
        for places in drawn
    ]
    low, high = np.quantile(values, (0.025, 0.975))
    interval = bootstrap_interval(measure, scored)
    assert interval.value is not None
    if measure.by_chance is not None:
        low, high = max(0.0, 2 * interval.value - high), 2 * interval.value - low
    scale = high - low
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.12 * scale)


def test_a_calibrated_net_shows_no_more_than_its_floor() -> None:
    scored = calibrated(0, clips=400)
    floor = calibration_floor(scored)
    assert floor is not None
    assert 0.02 < floor < 0.08
    interval = bootstrap_interval(BY_NAME["calibration_error"], scored)
    assert interval.low == 0
    assert interval.value == pytest.approx(floor, abs=0.03)


def test_an_over_confident_nets_error_is_found() -> None:
    scored = calibrated(0, clips=400, over_confident=4)
    # The mean of c - c ** 4 for c between 0.5 and 1.
    truth = 0.75 - (1 - 0.5**5) / 5 / 0.5
    interval = bootstrap_interval(BY_NAME["calibration_error"], scored)
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low < truth < interval.high
    assert interval.low > calibration_floor(scored)


def test_a_score_just_above_one_lies_in_the_last_bin() -> None:
    scored = Scored([0, 0], [[1.000001, 0.0], [0.0, 1.000001]])
    assert [entry.clips for entry in calibration_bins(scored)][-1] == 2


def test_without_clips_there_is_no_floor() -> None:
    assert calibration_floor(Scored([], np.empty((0, 3)))) is None


def test_a_net_that_says_one_class_of_every_clip_has_no_certain_mean_of_the_classes() -> None:
    scored = Scored(np.arange(60) % 6, np.tile([0.5, 0.1, 0.1, 0.1, 0.1, 0.1], (60, 1)))
    interval = bootstrap_interval(BY_NAME["per_class_mean"], scored)
    assert interval.value == pytest.approx(1 / 6)
    assert interval.low == pytest.approx(0.0931, abs=1e-3)
    assert interval.high == pytest.approx(0.2811, abs=1e-3)
