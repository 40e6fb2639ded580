"""Accuracies, each with an interval that says how far to trust it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

RESAMPLES = 10_000
"""How often the bootstraps here and in `seeds` resample."""

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A share between 0 and 1 and the range that holds the true one with the stated confidence.

    All three are None where nothing was counted.
    """

    value: float | None
    low: float | None
    high: float | None


NOTHING_COUNTED = Interval(None, None, None)


@dataclass(frozen=True, kw_only=True)
class ClassResult:
    """How one class fared: `correct` of its `clips`."""

    gloss: str
    clips: int
    correct: int
    accuracy: Interval


@dataclass(frozen=True, kw_only=True)
class SplitResult:
    """How a net fared on one split.

    Attributes:
        clips: how many clips were evaluated.
        asked: how many clips the annotations ask for in this split. Videos vanish from the web,
            and a result over 60 of 102 clips is no result over 102.
        top1: share of clips whose true class has the highest score (Wilson interval).
        top5: share of clips whose true class is among the five highest; None with five classes or
            fewer, where it says nothing.
        per_class_mean: mean of the accuracies of the classes that have clips; every class weighs
            the same, however many clips it has (bootstrap interval).
        per_class: one entry a class, in the order of the labels.
        confusion: counts, `confusion[true][predicted]`.
        loss: mean negative natural logarithm of the true class's score; None without clips.
    """

    clips: int
    asked: int
    top1: Interval
    top5: Interval | None
    per_class_mean: Interval
    per_class: tuple[ClassResult, ...]
    confusion: tuple[tuple[int, ...], ...]
    loss: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "SplitResult":
        """Read what `to_dict` wrote (also after a way through JSON).

        Raises:
            KeyError, TypeError: a part is missing or of the wrong kind.
        """
        return cls(
            clips=value["clips"],
            asked=value["asked"],
            top1=Interval(**value["top1"]),
            top5=None if value["top5"] is None else Interval(**value["top5"]),
            per_class_mean=Interval(**value["per_class_mean"]),
            per_class=tuple(
                ClassResult(**{**entry, "accuracy": Interval(**entry["accuracy"])})
                for entry in value["per_class"]
            ),
            confusion=tuple(tuple(row) for row in value["confusion"]),
            loss=value["loss"],
        )


def split_result(
    clip_ids: Sequence[str],
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    classes: Sequence[str],
    asked: int,
) -> SplitResult:
    """Return how well `scores` name the `labels` of a split.

    Args:
        clip_ids: one a clip, without repeats.
        labels: true classes, integers of shape (clips,), 0 .. classes - 1.
        scores: softmax scores of shape (clips, classes), 0 to 1. Of equal scores the lower class
            counts as the higher-ranked.
        classes: the glosses; the position is the label.
        asked: how many clips the annotations ask for in this split, at least `len(clip_ids)`.

    Raises:
        ValueError: shapes, labels, scores or counts that do not fit together.

    Example:
        >>> result = split_result(["a", "b"], [0, 1], [[0.9, 0.1], [0.8, 0.2]],
        ...                       classes=("hello", "nice"), asked=3)
        >>> result.top1.value, result.confusion
        (0.5, ((1, 0), (1, 0)))
    """
    true, given = _checked(clip_ids, labels, scores, classes=len(classes), asked=asked)
    ranked = np.argsort(-given, axis=1, kind="stable")
    confusion = confusion_matrix(true, ranked[:, 0], len(classes))
    correct, totals = np.diag(confusion), confusion.sum(axis=1)
    right = int(correct.sum())
    in_top5 = int((ranked[:, :5] == true[:, None]).any(axis=1).sum())
    return SplitResult(
        clips=len(true),
        asked=asked,
        top1=wilson_interval(right, len(true)),
        top5=wilson_interval(in_top5, len(true)) if len(classes) > 5 else None,
        per_class_mean=per_class_mean(correct, totals),
        per_class=tuple(
            ClassResult(
                gloss=gloss,
                clips=int(total),
                correct=int(hits),
                accuracy=wilson_interval(int(hits), int(total)),
            )
            for gloss, hits, total in zip(classes, correct, totals, strict=True)
        ),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        loss=_negative_log_likelihood(true, given),
    )


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
    bounds = binomtest(correct, total).proportion_ci(confidence_level=confidence, method="wilson")
    return Interval(correct / total, float(bounds.low), float(bounds.high))


def per_class_mean(
    correct: npt.ArrayLike, totals: npt.ArrayLike, *, confidence: float = 0.95, seed: int = 0
) -> Interval:
    """Return the mean accuracy of the classes that have clips, with a bootstrap interval.

    The percentile bootstrap over clips, stratified by class (B. Efron and R. J. Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 13). Resampling n outcomes of which k are right
    gives a binomial count, so the counts are drawn directly. Where all outcomes are alike a
    bootstrap sees no variation at all; Wilson's interval over the clips stands in.

    Args:
        correct: how many clips of each class were recognised, shape (classes,).
        totals: how many clips each class has, shape (classes,).
        confidence: of the interval.
        seed: of the resampling.
    """
    hits = np.asarray(correct, dtype=np.int64)
    clips = np.asarray(totals, dtype=np.int64)
    hits, clips = hits[clips > 0], clips[clips > 0]
    if len(clips) == 0:
        return NOTHING_COUNTED
    if hits.sum() in (0, clips.sum()):
        return wilson_interval(int(hits.sum()), int(clips.sum()), confidence=confidence)
    shares = hits / clips
    draws = np.random.default_rng(seed).binomial(clips, shares, size=(RESAMPLES, len(clips)))
    return percentile_interval(
        float(shares.mean()), (draws / clips).mean(axis=1), confidence=confidence
    )


def percentile_interval(value: float, resampled: Floats, *, confidence: float = 0.95) -> Interval:
    """Return `value` with the range that holds the middle `confidence` of `resampled` values."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled, (tail, 1 - tail))
    return Interval(value, float(low), float(high))


def confusion_matrix(labels: npt.ArrayLike, predicted: npt.ArrayLike, classes: int) -> Integers:
    """Return how often each true class was taken for each class.

    Args:
        labels: true classes, integers of shape (clips,), 0 .. classes - 1.
        predicted: predicted classes, the same shape and range.
        classes: how many classes there are.

    Returns:
        Counts of shape (classes, classes): row is true, column is predicted.

    Raises:
        ValueError: shapes differ, or a class is out of range.
    """
    true = _as_classes("labels", labels, classes)
    guess = _as_classes("predicted", predicted, classes)
    if true.shape != guess.shape:
        raise ValueError(f"labels and predicted differ in shape: {true.shape}, {guess.shape}")
    flat = np.bincount(true * classes + guess, minlength=classes * classes)
    return flat.reshape(classes, classes)


def _checked(
    clip_ids: Sequence[str],
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    classes: int,
    asked: int,
) -> tuple[Integers, Floats]:
    true = _as_classes("labels", labels, classes)
    given = np.asarray(scores, dtype=np.float64).reshape(-1, classes)
    if not len(clip_ids) == len(true) == len(given):
        raise ValueError(
            f"clip_ids, labels and scores differ in length: "
            f"{len(clip_ids)}, {len(true)}, {len(given)}"
        )
    if len(set(clip_ids)) < len(clip_ids):
        raise ValueError("clip_ids repeat: every clip counts once")
    if not np.all((given >= 0) & (given <= 1 + 1e-5)):
        raise ValueError("scores must lie within 0 .. 1: pass them through softmax")
    if asked < len(clip_ids):
        raise ValueError(f"asked is {asked}, but {len(clip_ids)} clips were evaluated")
    return true, given


def _as_classes(name: str, values: npt.ArrayLike, classes: int) -> Integers:
    array = np.asarray(values)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must be integers, got {array.dtype}")
    if array.size and (array.min() < 0 or array.max() >= classes):
        raise ValueError(
            f"{name} must lie within 0 .. {classes - 1}, got {array.min()} .. {array.max()}"
        )
    return array.astype(np.int64).reshape(-1)


def _negative_log_likelihood(true: Integers, given: Floats) -> float | None:
    if len(true) == 0:
        return None
    # A float32 softmax can round a score to 0, whose logarithm would swallow all the others.
    floor = float(np.finfo(np.float32).tiny)
    of_truth = given[np.arange(len(true)), true]
    return float(-np.log(np.maximum(of_truth, floor)).mean())
