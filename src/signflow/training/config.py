"""What a training run is: the configuration that is saved with it."""

import math
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from tyro.conf import arg

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that the result of a run depends on, the store and the machine apart.

    Attributes:
        model: name of a registered model (`signflow models`).
        batch_size: clips per step.
        learning_rate: of Adam.
        epochs: passes over the training clips.
        seed: of weights, order and dropout.
        fold: test on this fold of a cross-validation, validate on the one before it, train on the
            rest; None uses the splits that the store's clips name.
    """

    model: str = "early-fusion"
    batch_size: int = 16
    learning_rate: Annotated[float, arg(aliases=["--lr"])] = 1e-5
    epochs: int = 10
    seed: int = 0
    fold: int | None = None

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ValueError: naming the value and what is allowed.
        """
        if self.batch_size < 1:
            raise ValueError(f"batch_size is {self.batch_size}; must be 1 or more")
        if self.epochs < 1:
            raise ValueError(f"epochs is {self.epochs}; must be 1 or more")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(f"learning_rate is {self.learning_rate}; must be above 0")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; must be 0 or more")

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)
