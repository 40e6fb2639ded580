"""Learning: a store and a model become a run directory."""

from signflow.training.batches import Batch, as_batch, batches
from signflow.training.config import TrainConfig
from signflow.training.environment import inference_device
from signflow.training.run import EpochMetrics, Run
from signflow.training.train import train
from signflow.training.weights import TrainedModel, load_model

__all__ = [
    "Batch",
    "EpochMetrics",
    "Run",
    "TrainConfig",
    "TrainedModel",
    "as_batch",
    "batches",
    "inference_device",
    "load_model",
    "train",
]
