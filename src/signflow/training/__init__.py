"""Learning: a store and a model become a run directory."""

from signflow.training.batches import Batch, as_batch, batches
from signflow.training.calibration import Calibration
from signflow.training.config import PROTOCOLS, TrainConfig, default_config, protocol_of
from signflow.training.environment import inference_device
from signflow.training.processes import Processes, processes_asked
from signflow.training.run import EpochMetrics, Run
from signflow.training.train import train
from signflow.training.weights import TrainedModel, load_model

__all__ = [
    "PROTOCOLS",
    "Batch",
    "Calibration",
    "EpochMetrics",
    "Processes",
    "Run",
    "TrainConfig",
    "TrainedModel",
    "as_batch",
    "batches",
    "default_config",
    "inference_device",
    "load_model",
    "processes_asked",
    "protocol_of",
    "train",
]
