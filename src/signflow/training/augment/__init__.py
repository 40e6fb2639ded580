"""Augmentation that knows what flow is: batches are changed so that frames and flow still agree."""

from signflow.training.augment.augment import augment
from signflow.training.augment.draws import Draws
from signflow.training.augment.strengths import (
    PRESETS,
    STRENGTHS,
    Augmentation,
    AugmentPreset,
)

__all__ = ["PRESETS", "STRENGTHS", "AugmentPreset", "Augmentation", "Draws", "augment"]
