"""Streams of frames in which a square moves or rests, and recognizers that cost no training."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from signflow.models import create_model
from signflow.recognition import Recognizer
from signflow.store import Recipe
from signflow.training import Calibration, TrainedModel
from signflow.training.weights import model_shape

RATE = 25
CLASSES = ("down", "left", "right")


def untrained(
    *,
    recipe: Recipe | None = None,
    threshold: float = 0.0,
    clip_seconds: float = 0.8,
    seed: int = 0,
) -> Recognizer:
    """A temporal net as it was drawn: its answers are real, and worth nothing."""
    recipe = recipe or Recipe(image_size=32)
    torch.manual_seed(seed)
    model = create_model("temporal", shape=model_shape(recipe, CLASSES)).eval()
    calibration = Calibration(threshold=threshold, clip_seconds=clip_seconds)
    return Recognizer(
        TrainedModel(model=model, recipe=recipe, classes=CLASSES, calibration=calibration)
    )


def stream(
    parts: Sequence[tuple[str, float]], *, noise: float = 0.0, side: int = 48, start: float = 0.0
) -> Iterator[tuple[float, np.ndarray]]:
    """Yield (time, frame): for each part a word, "move" or "rest", and its seconds."""
    random = np.random.default_rng(0)
    background = random.integers(40, 90, (side, side, 3)).astype(np.float32)
    square = random.integers(120, 255, (12, 12, 3)).astype(np.float32)
    step = number = 0
    for word, seconds in parts:
        for _ in range(round(seconds * RATE)):
            step += word == "move"
            angle = step / 6
            x, y = (round(18 + 12 * f(angle)) for f in (np.cos, np.sin))
            picture = background.copy()
            picture[y : y + 12, x : x + 12] = square
            picture += random.normal(0, noise, picture.shape) if noise else 0
            yield start + number / RATE, np.clip(picture, 0, 255).astype(np.uint8)
            number += 1
