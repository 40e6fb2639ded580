"""A training that is stopped, for the tests of what goes on from there."""

from typing import Any

import pytest

from signflow.store import Store
from signflow.training import EpochMetrics, train


def train_until(epoch: int, store: Store, **options: Any) -> None:
    """Train, but stop in this epoch, when those before it are in `last.pt`.

    Args:
        epoch: from 2.
        store: what to learn from.
        options: of `train`.
    """

    def stop(metrics: EpochMetrics) -> bool:
        if metrics.epoch == epoch:
            raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt):
        train(store, device="cpu", checkpoint_seconds=0, on_epoch=stop, **options)
