"""Augmentation that knows what flow is: batches are changed so that frames and flow still agree."""

from signflow.training.augment.augment import augment
from signflow.training.augment.draws import Draws
from signflow.training.augment.strengths import (
    PRESETS,
    STRENGTHS,
    Augmentation,
    AugmentPreset,
)
from signflow.training.augment.views import VIEWS, views_of

__all__ = [
    "PRESETS",
    "STRENGTHS",
    "VIEWS",
    "AugmentPreset",
    "Augmentation",
    "Draws",
    "augment",
    "views_of",
]
