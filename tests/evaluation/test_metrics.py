import json
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from signflow.evaluation.metrics import SplitResult, confusion_matrix, split_result


@st.composite
def scored_clips(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    classes = draw(st.integers(2, 12))
    clips = draw(st.integers(1, 60))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = generator.integers(classes, size=clips)
    logits = generator.normal(size=(clips, classes)) * 3
    logits[np.arange(clips), labels] += draw(st.sampled_from([0.0, 2.0, 50.0]))
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return labels, exponentials / exponentials.sum(axis=1, keepdims=True)


def result_of(labels: np.ndarray, scores: np.ndarray, **options: Any) -> SplitResult:
    clip_ids = [f"clip {number}" for number in range(len(labels))]
    classes = tuple(f"sign {number}" for number in range(scores.shape[1]))
    return split_result(
        clip_ids, labels, scores, **{"classes": classes, "asked": len(labels), **options}
    )


@settings(max_examples=60, deadline=None)
@given(scored_clips())
def test_accuracies_and_loss_agree_with_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = case
    classes = range(scores.shape[1])
    result = result_of(labels, scores)
    guesses = scores.argmax(axis=1)
    present = np.unique(labels)

    assert result.top1.value == pytest.approx(reference.accuracy_score(labels, guesses))
    by_class = reference.recall_score(labels, guesses, labels=present, average=None)
    assert result.per_class_mean.value == pytest.approx(by_class.mean())
    for number, accuracy in zip(present, by_class, strict=True):
        assert result.per_class[number].accuracy.value == pytest.approx(accuracy)
    confusion = reference.confusion_matrix(labels, guesses, labels=classes)
    assert np.array_equal(result.confusion, confusion)
    assert result.loss.value == pytest.approx(
        -np.log(scores[np.arange(len(labels)), labels]).mean()
    )
    if len(classes) > 5:
        assert result.top5 is not None
        top5 = reference.top_k_accuracy_score(labels, scores, k=5, labels=classes)
        assert result.top5.value == pytest.approx(top5)
    else:
        assert result.top5 is None
        assert result.per_class_top5 is None
    f1 = reference.f1_score(labels, guesses, labels=present, average="macro")
    assert result.macro_f1.value == pytest.approx(f1)


@settings(max_examples=60, deadline=None)
@given(scored_clips(), st.integers(0, 20))
def test_a_result_is_the_same_after_a_way_through_json(
    case: tuple[np.ndarray, np.ndarray], lost: int
) -> None:
    labels, scores = case
    result = result_of(labels, scores, asked=len(labels) + lost)
    assert SplitResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_classes_without_clips_count_neither_way() -> None:
    result = result_of(np.array([0, 0]), np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1]]))
    assert result.per_class_mean.value == 0.5
    assert result.per_class[2].clips == 0
    assert result.per_class[2].accuracy.value is None


def test_a_split_without_clips_has_counts_but_no_accuracy() -> None:
    result = result_of(np.array([], dtype=np.int64), np.zeros((0, 10)), asked=7)
    assert (result.clips, result.asked, result.loss.value) == (0, 7, None)
    assert result.top1.value is None
    assert result.top5 is not None
    assert result.top5.value is None
    assert result.per_class_mean.value is None


def test_a_score_rounded_to_zero_leaves_the_loss_finite() -> None:
    result = result_of(np.array([0]), np.array([[0.0, 1.0]], dtype=np.float32))
    assert result.loss.value == pytest.approx(87.34, abs=0.01)


def test_of_equal_scores_the_lower_class_wins() -> None:
    result = result_of(np.array([0, 1]), np.full((2, 2), 0.5))
    assert result.confusion == ((1, 0), (1, 0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clip_ids": ["a"]}, "differ in length: 1, 2, 2"),
        ({"clip_ids": ["a", "a"]}, "clip_ids repeat"),
        ({"labels": [0, 2]}, "labels must lie within 0 .. 1, got 0 .. 2"),
        ({"labels": [0.0, 1.0]}, "labels must be integers"),
        ({"scores": [[0.5, 0.5], [np.nan, 1.0]]}, "scores must lie within 0 .. 1"),
        ({"scores": [[3.0, -1.0], [0.5, 0.5]]}, "scores must lie within 0 .. 1"),
        ({"asked": 1}, "asked is 1, but 2 clips were evaluated"),
    ],
)
def test_what_does_not_fit_together_is_refused(change: dict[str, Any], message: str) -> None:
    fitting = {
        "clip_ids": ["a", "b"],
        "labels": [0, 1],
        "scores": [[0.6, 0.4], [0.3, 0.7]],
        "classes": ("hello", "nice"),
        "asked": 2,
    }
    with pytest.raises(ValueError, match=message):
        split_result(**{**fitting, **change})


def test_confusion_rows_are_true_and_columns_predicted() -> None:
    assert confusion_matrix([0, 0, 1], [1, 1, 1], 2).tolist() == [[0, 2], [0, 1]]


def test_confusion_of_different_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        confusion_matrix([0, 0, 1], [1, 1], 2)
