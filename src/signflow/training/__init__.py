"""Learning: a store and a model become a run directory."""

from signflow.training.batches import Batch, batches
from signflow.training.config import TrainConfig
from signflow.training.run import EpochMetrics, Run
from signflow.training.train import model_shape, train

__all__ = ["Batch", "EpochMetrics", "Run", "TrainConfig", "batches", "model_shape", "train"]
