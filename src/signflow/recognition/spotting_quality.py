"""How well a timeline agrees with an annotated one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

LEAST_OVERLAP = 0.5
"""Temporal intersection over union from which on a spotted sign is an annotated one."""


@dataclass(frozen=True)
class Interval:
    """A sign in time: seconds from `start` to `stop`; `gloss` is None where nobody is sure."""

    start: float
    stop: float
    gloss: str | None = None


@dataclass(frozen=True)
class SpottingQuality:
    """Counts over any number of videos; they add up.

    Attributes:
        spotted: signs that were spotted.
        annotated: signs that there are.
        found: annotated signs that were spotted, each once.
    """

    spotted: int = 0
    annotated: int = 0
    found: int = 0

    def __add__(self, other: "SpottingQuality") -> "SpottingQuality":
        return SpottingQuality(
            self.spotted + other.spotted,
            self.annotated + other.annotated,
            self.found + other.found,
        )

    @property
    def precision(self) -> float:
        """Share of the spotted signs that are annotated ones; 0 where none was spotted."""
        return self.found / self.spotted if self.spotted else 0.0

    @property
    def recall(self) -> float:
        """Share of the annotated signs that were spotted; 0 where there are none."""
        return self.found / self.annotated if self.annotated else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        whole = self.spotted + self.annotated
        return 2 * self.found / whole if whole else 0.0


def overlap(first: Interval, second: Interval) -> float:
    """Temporal intersection over union, 0 to 1.

    Example:
        >>> overlap(Interval(0, 2), Interval(1, 3))
        0.3333333333333333
    """
    shared = min(first.stop, second.stop) - max(first.start, second.start)
    whole = max(first.stop, second.stop) - min(first.start, second.start)
    return max(0.0, shared) / whole if whole > 0 else 0.0


def spotting_quality(
    spotted: Sequence[Interval],
    annotated: Sequence[Interval],
    *,
    with_gloss: bool,
    least_overlap: float = LEAST_OVERLAP,
) -> SpottingQuality:
    """Count the annotated signs of a video that were spotted.

    Each annotated sign is matched to one spotted sign at most, and the other way round, so that as
    many as possible are matched.

    Args:
        spotted: what was spotted.
        annotated: what there is.
        with_gloss: whether the sign must be the right one; then what is not sure is not spotted.
        least_overlap: intersection over union that a match needs, above 0, up to 1.

    Example:
        >>> spotting_quality([Interval(0, 2, "nice")], [Interval(0.2, 2, "hello")],
        ...                  with_gloss=False).found
        1
    """
    if with_gloss:
        spotted = [sign for sign in spotted if sign.gloss is not None]
    fits = np.array(
        [
            [
                overlap(sign, truth) >= least_overlap
                and (not with_gloss or sign.gloss == truth.gloss)
                for truth in annotated
            ]
            for sign in spotted
        ],
        dtype=np.int64,
    ).reshape(len(spotted), len(annotated))
    rows, columns = scipy.optimize.linear_sum_assignment(fits, maximize=True)
    return SpottingQuality(len(spotted), len(annotated), int(fits[rows, columns].sum()))
