"""How a net fares on a split: every figure with an interval that says how far to trust it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from signflow.evaluation.calibration import calibration_floor
from signflow.evaluation.intervals import Integers, Interval, wilson_interval
from signflow.evaluation.measures import MEASURES, bootstrap_interval
from signflow.evaluation.scored import Scored


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

    The intervals of top-1 and top-5 are Wilson's, the others a bootstrap over clips. Where a figure
    says nothing (top-5 with five classes or fewer), there is None.

    Attributes:
        clips: how many clips were evaluated.
        asked: how many clips the annotations ask for in this split. Videos vanish from the web,
            and a result over 60 of 102 clips is no result over 102.
        top1: share of clips whose true class has the highest score (the field's P-I).
        top5: share of clips whose true class is among the five highest.
        per_class_mean: mean of the accuracies of the classes that have clips; every class weighs
            the same, however many clips it has (the field's P-C).
        per_class_top5: the same of the top-5 accuracies.
        macro_f1: mean over those classes of F1.
        loss: mean negative natural logarithm of the true class's score.
        calibration_error: mean distance between confidence and accuracy.
        calibration_floor: the calibration error to expect of a perfectly calibrated net on as many
            clips.
        per_class: one entry a class, in the order of the labels.
        confusion: counts, `confusion[true][predicted]`.
    """

    clips: int
    asked: int
    top1: Interval
    top5: Interval | None
    per_class_mean: Interval
    per_class_top5: Interval | None
    macro_f1: Interval
    loss: Interval
    calibration_error: Interval
    calibration_floor: float | None
    per_class: tuple[ClassResult, ...]
    confusion: tuple[tuple[int, ...], ...]

    def measured(self, name: str) -> Interval | None:
        """Return the figure of a measure in `signflow.evaluation.measures.MEASURES`."""
        interval: Interval | None = getattr(self, name)
        return interval

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "SplitResult":
        """Read what `to_dict` wrote (also after a way through JSON).

        Raises:
            KeyError, TypeError: a part is missing or of the wrong kind.
        """
        measured = {
            measure.name: None if entry is None else Interval(**entry)
            for measure in MEASURES
            for entry in [value[measure.name]]
        }
        return cls(
            clips=value["clips"],
            asked=value["asked"],
            calibration_floor=value["calibration_floor"],
            per_class=tuple(
                ClassResult(**{**entry, "accuracy": Interval(**entry["accuracy"])})
                for entry in value["per_class"]
            ),
            confusion=tuple(tuple(row) for row in value["confusion"]),
            **measured,  # type: ignore[arg-type]
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
    scored = Scored(*_checked(clip_ids, labels, scores, classes=len(classes), asked=asked))
    clips = scored.clips
    confusion = confusion_matrix(scored.labels, scored.ranked[:, 0], len(classes))
    measured = {
        measure.name: bootstrap_interval(measure, scored)
        if len(classes) >= measure.least_classes
        else None
        for measure in MEASURES
        if measure.name not in ("top1", "top5")
    }
    in_top5 = wilson_interval(int(scored.in_top5.sum()), clips)
    return SplitResult(
        clips=clips,
        asked=asked,
        top1=wilson_interval(int(scored.correct.sum()), clips),
        top5=in_top5 if len(classes) > 5 else None,
        calibration_floor=calibration_floor(scored),
        per_class=tuple(
            ClassResult(
                gloss=gloss,
                clips=int(total),
                correct=int(hits),
                accuracy=wilson_interval(int(hits), int(total)),
            )
            for gloss, hits, total in zip(
                classes, np.diag(confusion), confusion.sum(axis=1), strict=True
            )
        ),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        **measured,  # type: ignore[arg-type]
    )


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
) -> tuple[Integers, npt.NDArray[np.float64]]:
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
