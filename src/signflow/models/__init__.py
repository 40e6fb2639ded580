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
from signflow.models.facts import WeightFacts
from signflow.models.frame_gru import frame_gru
from signflow.models.frame_transformer import frame_transformer
from signflow.models.image_nets import encoder_names
from signflow.models.late_fusion import late_fusion
from signflow.models.mc3 import mc3_18
from signflow.models.measure import Cost, measure_model
from signflow.models.mvit import mvit_v2_s
from signflow.models.r2plus1d import r2plus1d_18
from signflow.models.registry import create_model, list_models, model_choices, register_model
from signflow.models.s3d import s3d
from signflow.models.spatial import spatial
from signflow.models.swin3d import swin3d_t
from signflow.models.temporal import temporal
from signflow.models.tsm import tsm
from signflow.models.tsn import tsn
from signflow.models.videomae import videomae

__all__ = [
    "Cost",
    "Fusion",
    "Inputs",
    "InputsChoice",
    "ModelOptions",
    "Shape",
    "SignModel",
    "WeightFacts",
    "compact",
    "create_model",
    "early_fusion",
    "encoder_names",
    "frame_gru",
    "frame_transformer",
    "joint_loss",
    "late_fusion",
    "list_models",
    "mc3_18",
    "measure_model",
    "model_choices",
    "mvit_v2_s",
    "r2plus1d_18",
    "register_model",
    "s3d",
    "scores",
    "spatial",
    "swin3d_t",
    "temporal",
    "tsm",
    "tsn",
    "videomae",
]
