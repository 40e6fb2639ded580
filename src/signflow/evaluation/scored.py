"""The scores of a split's clips, and what the measures need of them."""

from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy

from signflow.evaluation.intervals import Floats, Integers

CALIBRATION_BINS = 15
"""Of equal width between 0 and 1, as in the paper that made the calibration error common."""


class Scored:
    """Labels and scores, and what follows from them, each computed once and when it is needed."""

    def __init__(self, labels: npt.ArrayLike, scores: npt.ArrayLike) -> None:
        """Take true classes of shape (clips,) and softmax scores of shape (clips, classes)."""
        self.labels: Integers = np.asarray(labels, dtype=np.int64)
        self.scores: Floats = np.asarray(scores, dtype=np.float64)

    @property
    def clips(self) -> int:
        """How many there are."""
        return len(self.labels)

    @property
    def classes(self) -> int:
        """How many there are to choose from."""
        return int(self.scores.shape[1])

    @cached_property
    def ranked(self) -> Integers:
        """Classes from the highest score to the lowest; of equal scores the lower class first."""
        order: Integers = np.argsort(-self.scores, axis=1, kind="stable")
        return order

    @cached_property
    def correct(self) -> Floats:
        """1 where the highest score is the true class's, else 0."""
        hits: Floats = (self.ranked[:, 0] == self.labels).astype(np.float64)
        return hits

    @cached_property
    def in_top5(self) -> Floats:
        """1 where the true class is among the five highest, else 0."""
        hits: Floats = (self.ranked[:, :5] == self.labels[:, None]).any(axis=1).astype(np.float64)
        return hits

    @cached_property
    def losses(self) -> Floats:
        """Negative natural logarithm of the true class's score."""
        # A float32 softmax can round a score to 0, whose logarithm would swallow all the others.
        floor = float(np.finfo(np.float32).tiny)
        of_truth = self.scores[np.arange(self.clips), self.labels]
        losses: Floats = -np.log(np.maximum(of_truth, floor))
        return losses

    @cached_property
    def confidence(self) -> Floats:
        """The highest score, 0 to 1."""
        highest: Floats = np.minimum(self.scores.max(axis=1), 1.0)
        return highest

    @cached_property
    def bins(self) -> Integers:
        """The calibration bin of each clip: k for confidences in (k / bins, (k + 1) / bins]."""
        place = np.ceil(self.confidence * CALIBRATION_BINS).astype(np.int64) - 1
        return np.maximum(place, 0)

    @cached_property
    def of_class(self) -> "scipy.sparse.csr_array":
        """Which clips each class has: shape (classes, clips)."""
        return _members(self.labels, self.classes)

    @cached_property
    def taken_for(self) -> "scipy.sparse.csr_array":
        """Which clips are taken for each class: shape (classes, clips)."""
        return _members(self.ranked[:, 0], self.classes)

    @cached_property
    def in_bin(self) -> "scipy.sparse.csr_array":
        """Which clips each calibration bin has: shape (bins, clips)."""
        return _members(self.bins, CALIBRATION_BINS)


def _members(numbers: Integers, count: int) -> "scipy.sparse.csr_array":
    clips = len(numbers)
    return scipy.sparse.csr_array(
        (np.ones(clips), (numbers, np.arange(clips))), shape=(count, clips)
    )
