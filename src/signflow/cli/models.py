"""`signflow models`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from rich.box import SIMPLE_HEAD
from rich.table import Table

from signflow.cli.parse import parse
from signflow.errors import UserError
from signflow.models import (
    Fusion,
    InputsChoice,
    ModelOptions,
    Shape,
    SignModel,
    encoder_names,
    list_models,
    measure_model,
    model_choices,
)
from signflow.progress import console


@dataclass(frozen=True, kw_only=True)
class Models:
    """List the networks: what they look at, what they cost, which weights they can begin with.

    Attributes:
        classes: number of signs.
        frames: kept frames per clip.
        image_size: their height and width in pixels.
        inputs: count the models that have the choice with these inputs; None: with their own.
        encoders: list instead the names of image nets that hold this word, or match it: '*net18*'.
    """

    classes: int = 10
    frames: int = 10
    image_size: int = 224
    inputs: InputsChoice | None = None
    encoders: str | None = None


def run(words: Sequence[str]) -> None:
    """Print the table, or the names of encoders."""
    asked = parse(Models, words, command="models")
    if asked.encoders is not None:
        _print_encoders(asked.encoders)
        return
    tables = _Tables(asked)
    for name in list_models():
        tables.add(name)
    tables.print()


class _Tables:
    """What the models cost, and below it which weights they can begin with."""

    def __init__(self, asked: Models) -> None:
        self._asked = asked
        self._shape = Shape(classes=asked.classes, frames=asked.frames, image_size=asked.image_size)
        self._costs = Table(box=SIMPLE_HEAD)
        for heading in ("model", "sees", "encoder"):
            self._costs.add_column(heading, no_wrap=True)
        for heading in ("weights", "GFLOPs"):
            self._costs.add_column(heading, no_wrap=True, justify="right")
        self._pretrained = Table("model", "--pretrained: weights of", "licence", box=SIMPLE_HEAD)
        self._missing: list[str] = []

    def add(self, name: str) -> None:
        """Measure a model, and write its rows."""
        choices = model_choices(name)
        options = ModelOptions(inputs=self._asked.inputs if "inputs" in choices else None)
        try:
            cost = measure_model(name, shape=self._shape, options=options)
        except UserError as error:
            self._missing.append(f"{name}: {error}")
            return
        inputs = self._asked.inputs or choices.get("inputs")
        self._costs.add_row(
            name,
            f"{inputs} *" if "inputs" in choices else self._sees(cost.model),
            str(choices.get("encoder", "-")),
            f"{cost.weights:,}",
            f"{cost.flops / 1e9:.1f}",
        )
        facts = cost.model.weight_facts
        if facts and "pretrained" in choices:
            self._pretrained.add_row(name, facts.source, facts.licence)

    def _sees(self, model: SignModel) -> str:
        frames = {"middle": "1 frame", "all": f"{self._shape.frames} frames", None: ""}
        flow = f"{self._shape.frames - 1} pairs" if model.inputs.flow else ""
        return ", ".join(filter(None, (frames[model.inputs.rgb], flow)))

    def print(self) -> None:
        """Show what was added."""
        side = self._asked.image_size
        console.print(self._costs)
        for line in (
            f"For {self._asked.classes} signs and clips of {self._asked.frames} frames of {side} x"
            f" {side}; GFLOPs of one clip, multiplication and addition apart.",
            f"* a choice: --inputs {', '.join(get_args(InputsChoice))};",
            f"  where two streams meet: --fusion {', '.join(get_args(Fusion))}.",
            "Encoders are a choice too: --encoder NAME; signflow models --encoders WORD lists.",
            *self._missing,
        ):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        console.print(self._pretrained)
        console.print("A data set's own terms may add to a licence.", highlight=False)


def _print_encoders(pattern: str) -> None:
    names = encoder_names(pattern)
    if not names:
        raise UserError(f"--encoders {pattern!r}: matches no image net of torchvision or timm")
    console.print("\n".join(names), highlight=False, markup=False, soft_wrap=True)
