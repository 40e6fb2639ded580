"""What can learn: the registry of networks and their one contract."""

from signflow.models.compact import compact
from signflow.models.contract import (
    Fusion,
    Inputs,
    InputsChoice,
    ModelOptions,
    Shape,
    SignModel,
    joint_loss,
    scores,
)
from signflow.models.early_fusion import early_fusion
from signflow.models.late_fusion import late_fusion
from signflow.models.registry import create_model, list_models, model_choices, register_model
from signflow.models.spatial import spatial
from signflow.models.temporal import temporal

__all__ = [
    "Fusion",
    "Inputs",
    "InputsChoice",
    "ModelOptions",
    "Shape",
    "SignModel",
    "compact",
    "create_model",
    "early_fusion",
    "joint_loss",
    "late_fusion",
    "list_models",
    "model_choices",
    "register_model",
    "scores",
    "spatial",
    "temporal",
]
