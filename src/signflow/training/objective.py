"""What training makes small: the joint loss, with label smoothing and class weights on demand."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from signflow.models import joint_loss
from signflow.store import ClipRow
from signflow.training.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The loss whose gradient is followed. Losses that are reported are plain `joint_loss`.

    Attributes:
        label_smoothing: share of each label that is spread over all classes.
        class_weights: one per class, above 0; None where all count alike.
    """

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The weighted mean over the clips, summed over streams."""
        weights = None if self.class_weights is None else logits.new_tensor(self.class_weights)
        return joint_loss(
            logits, labels, class_weights=weights, label_smoothing=self.label_smoothing
        )

    def weight_of(self, row: ClipRow) -> float:
        """How much a clip counts in the mean."""
        return 1.0 if self.class_weights is None else self.class_weights[row.clip.label]


def make_objective(config: TrainConfig, rows: Sequence[ClipRow], *, classes: int) -> Objective:
    """The objective that a configuration asks for on these training clips."""
    weights = None
    if config.class_weights == "balanced":
        weights = balanced_weights(rows, classes=classes)
    return Objective(label_smoothing=config.label_smoothing, class_weights=weights)


def balanced_weights(rows: Sequence[ClipRow], *, classes: int) -> tuple[float, ...]:
    """Weights by which every sign that occurs counts the same: clips / (signs * clips of the sign).

    Their mean over the clips is 1. A sign without a clip has weight 1; it matters for label
    smoothing only.
    """
    counts = Counter(row.clip.label for row in rows)
    return tuple(
        len(rows) / (len(counts) * counts[label]) if counts[label] else 1.0
        for label in range(classes)
    )
