"""`signflow models`."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from rich.table import Table

from signflow.cli.parse import parse
from signflow.models import Shape, create_model, list_models
from signflow.progress import console


@dataclass(frozen=True, kw_only=True)
class Models:
    """List the networks with what they look at and how many weights they have.

    Attributes:
        classes: number of signs.
        frames: kept frames per clip.
        image_size: their height and width in pixels.
    """

    classes: int = 10
    frames: int = 10
    image_size: int = 224


def run(words: Sequence[str]) -> None:
    """Print the table."""
    asked = parse(Models, words, command="models")
    shape = Shape(classes=asked.classes, frames=asked.frames, image_size=asked.image_size)
    table = Table()
    for heading in ("model", "frames", "flow", "streams", "weights"):
        table.add_column(heading, justify="right" if heading in ("streams", "weights") else "left")
    for name in list_models():
        with torch.device("meta"):
            model = create_model(name, shape=shape)
        weights = sum(parameter.numel() for parameter in model.parameters())
        flow = f"{shape.frames - 1} pairs" if model.inputs.flow else "-"
        table.add_row(name, model.inputs.rgb or "-", flow, str(model.streams), f"{weights:,}")
    console.print(table)
