"""What is measured of a net's scores: each measure under any weights of the clips.

Weights make a figure and its bootstrap one thing: all ones give the figure, and how often each clip
was drawn gives what the figure would have been on that resample.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signflow.evaluation.intervals import (
    NOTHING_COUNTED,
    Floats,
    Interval,
    percentile_interval,
    reflected_interval,
    resampled_counts,
    wilson_interval_of_share,
)
from signflow.evaluation.scored import Scored

_SIMULATIONS = 1_000


def top1(scored: Scored, weights: Floats) -> Floats:
    """Share of clips whose true class has the highest score (P-I, per instance)."""
    return _mean(scored.correct, weights)


def top5(scored: Scored, weights: Floats) -> Floats:
    """Share of clips whose true class is among the five highest."""
    return _mean(scored.in_top5, weights)


def per_class_top1(scored: Scored, weights: Floats) -> Floats:
    """Mean over the classes with clips of their top-1 accuracies (P-C, per class)."""
    return _class_mean(scored, scored.correct, weights)


def per_class_top5(scored: Scored, weights: Floats) -> Floats:
    """Mean over the classes with clips of their top-5 accuracies."""
    return _class_mean(scored, scored.in_top5, weights)


def macro_f1(scored: Scored, weights: Floats) -> Floats:
    """Mean over the classes with clips of F1, the harmonic mean of precision and recall."""
    clips = scored.of_class @ weights
    taken = scored.taken_for @ weights
    right = scored.of_class @ (scored.correct[:, None] * weights)
    # 2 TP / (2 TP + FP + FN): clips of the class are TP + FN, clips taken for it TP + FP.
    return _mean_where(clips > 0, 2 * right / np.maximum(clips + taken, 1))


def loss(scored: Scored, weights: Floats) -> Floats:
    """Mean negative natural logarithm of the true class's score."""
    return _mean(scored.losses, weights)


def calibration_error(scored: Scored, weights: Floats) -> Floats:
    """Mean distance of confidence from accuracy, over bins of equal width (ECE).

    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, On Calibration of Modern Neural Networks, ICML
    2017. With few clips it is above 0 even for a perfectly calibrated net: see `calibration_floor`.
    """
    gaps = scored.in_bin @ ((scored.correct - scored.confidence)[:, None] * weights)
    with np.errstate(invalid="ignore"):
        error: Floats = np.abs(gaps).sum(axis=0) / weights.sum(axis=0)
    return error


def errors_when_calibrated(scored: Scored, *, seed: int = 0) -> Floats:
    """Return calibration errors of perfectly calibrated nets with these confidences.

    Each clip is made right with a chance of its own confidence, again and again: what error is left
    comes from the number of clips alone. Shape (1000,); nets on the same clips are drawn alike.
    """
    drawn = np.random.default_rng(seed).random((scored.clips, _SIMULATIONS))
    gaps = scored.in_bin @ ((drawn < scored.confidence[:, None]) - scored.confidence[:, None])
    errors: Floats = np.abs(gaps).sum(axis=0) / scored.clips
    return errors


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A measure, and how its interval is made.

    Attributes:
        name: in files and on the command line.
        title: for people.
        of: the figure under each column of weights of shape (clips, resamples).
        least_classes: with fewer it says nothing.
        by_chance: for a measure that chance can only raise: what it comes to, many times, where
            its true value is 0. Its interval is the reflected one, and reaches down to 0 unless it
            is above all but 2.5 % of these.
        is_share: between 0 and 1, and shown in per cent.
    """

    name: str
    title: str
    of: Callable[[Scored, Floats], Floats]
    least_classes: int = 2
    by_chance: Callable[[Scored], Floats] | None = None
    is_share: bool = True


TOP1 = Measure(name="top1", title="Top-1", of=top1)
MEASURES = (
    TOP1,
    Measure(
        name="top5",
        title="Top-5",
        of=top5,
        least_classes=6,
    ),
    Measure(
        name="per_class_mean",
        title="Top-1, mean of the classes",
        of=per_class_top1,
    ),
    Measure(
        name="per_class_top5",
        title="Top-5, mean of the classes",
        of=per_class_top5,
        least_classes=6,
    ),
    Measure(
        name="macro_f1",
        title="Macro F1",
        of=macro_f1,
    ),
    Measure(name="loss", title="Negative log-likelihood", of=loss, is_share=False),
    Measure(
        name="calibration_error",
        title="Calibration error",
        of=calibration_error,
        by_chance=errors_when_calibrated,
    ),
)


def bootstrap_interval(
    measure: Measure, scored: Scored, *, confidence: float = 0.95, seed: int = 0
) -> Interval:
    """Return a measure with its bootstrap interval over clips."""
    if scored.clips == 0:
        return NOTHING_COUNTED
    value = float(measure.of(scored, np.ones((scored.clips, 1)))[0])
    return interval_of(
        measure,
        value,
        [scored],
        scored.clips,
        lambda: np.concatenate(
            [
                measure.of(scored, drawn.astype(np.float64))
                for drawn in resampled_counts(scored.clips, seed=seed)
            ]
        ),
        confidence=confidence,
    )


def interval_of(
    measure: Measure,
    value: float,
    scored: list[Scored],
    clusters: int,
    resample: Callable[[], Floats],
    *,
    confidence: float = 0.95,
) -> Interval:
    """Return the interval that suits a measure.

    Args:
        measure: what was measured.
        value: the figure.
        scored: what it was measured on.
        clusters: how many clips, or groups of clips, were resampled.
        resample: gives the figure on each resample.
        confidence: of the interval.
    """
    resampled = resample()
    middle = percentile_interval(value, resampled, confidence=confidence)
    if middle.low is not None and math.isclose(middle.low, middle.high or 0.0):
        # All clips right, all wrong, all taken for one class: a bootstrap sees no variation.
        if not measure.is_share:
            return Interval(value, None, None)
        return wilson_interval_of_share(min(max(value, 0.0), 1.0), clusters, confidence=confidence)
    if measure.by_chance is None:
        return middle
    interval = reflected_interval(value, resampled, confidence=confidence)
    of_chance = np.mean([measure.by_chance(each) for each in scored], axis=0)
    if value <= np.quantile(of_chance, 0.5 + confidence / 2):
        return Interval(value, 0.0, interval.high)
    return interval


def _mean(values: Floats, weights: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        mean: Floats = (values @ weights) / weights.sum(axis=0)
    return mean


def _class_mean(scored: Scored, values: Floats, weights: Floats) -> Floats:
    clips = scored.of_class @ weights
    right = scored.of_class @ (values[:, None] * weights)
    return _mean_where(clips > 0, right / np.maximum(clips, 1))


def _mean_where(counted: npt.NDArray[np.bool_], values: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        mean: Floats = (values * counted).sum(axis=0) / counted.sum(axis=0)
    return mean
