"""The learning rate of every step, as a function of its number: resuming needs no saved state."""

import math

from signflow.training.config import TrainConfig


def learning_rate_at(config: TrainConfig, step: int, *, steps_per_epoch: int) -> float:
    """The learning rate of a step.

    Warm-up multiplies whatever the schedule says, so that a schedule's epochs are counted from the
    run's beginning; of the cosine the first half wave is stretched over what warm-up leaves.

    Args:
        config: schedule, warm-up and epochs.
        step: from 0, counted over the whole run.
        steps_per_epoch: 1 or more.

    Example:
        >>> [learning_rate_at(TrainConfig(schedule="cosine", learning_rate=1.0, epochs=2), step,
        ...                   steps_per_epoch=1) for step in (0, 1)]
        [1.0, 0.5]
    """
    warmup = config.warmup_epochs * steps_per_epoch
    if step + 1 < warmup:
        return config.learning_rate * (step + 1) / warmup
    return config.learning_rate * _share(config, step, steps_per_epoch, warmup)


def _share(config: TrainConfig, step: int, steps_per_epoch: int, warmup: float) -> float:
    if config.schedule == "cosine":
        left = config.epochs * steps_per_epoch - warmup
        done = (step - warmup) / left if left > 0 else 0.0
        return 0.5 * (1 + math.cos(math.pi * min(max(done, 0.0), 1.0)))
    if config.schedule == "step":
        return float(config.step_factor ** (step // steps_per_epoch // config.step_epochs))
    return 1.0
