"""`model.safetensors`: a model's weights, with what is needed to use them in the file's header."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.backends.cpu import get_cpu_capability

from signflow.errors import UserError
from signflow.files import atomic_path
from signflow.models import ModelOptions, Shape, SignModel, create_model, model_choices
from signflow.store import Recipe, Store
from signflow.training.batches import Batch
from signflow.training.calibration import UNCALIBRATED, Calibration
from signflow.training.config import TrainConfig
from signflow.training.online import check_flow_source

FORMAT = "1"


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A model that was trained, ready for inference.

    Attributes:
        model: in evaluation mode.
        recipe: how a clip becomes what it looks at.
        classes: the glosses; the position is the label.
        calibration: how its logits become scores; one that changes nothing in files from before
            there was any, and while training is under way.
    """

    model: SignModel
    recipe: Recipe
    classes: tuple[str, ...]
    calibration: Calibration = UNCALIBRATED

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.model.parameters()).device

    def scores(self, batch: Batch) -> NDArray[np.float32]:
        """The calibrated scores of a batch, on whatever device it is: the way for everyone.

        Returns:
            float32 (B, C), 0 to 1, each row summing to 1.
        """
        batch = batch.to(self.device)
        with torch.inference_mode():
            given = self.calibration.apply(self.model(rgb=batch.rgb, flow=batch.flow))
        found: NDArray[np.float32] = given.float().cpu().numpy()
        return found


def model_shape(recipe: Recipe, classes: tuple[str, ...]) -> Shape:
    """The sizes that a recipe and its classes ask of a model."""
    return Shape(classes=len(classes), frames=recipe.frames, image_size=recipe.image_size)


def model_without_memory(config: TrainConfig, store: Store) -> SignModel:
    """A configuration's model, whose weights have shapes and no values."""
    with torch.device("meta"):
        return create_model(
            config.model,
            shape=model_shape(store.recipe, store.classes),
            options=config.model_options,
        )


def check_model(config: TrainConfig, store: Store) -> None:
    """Make sure that a configuration's model can be made for a store, and what it sees be had.

    No memory is spent on it.

    Raises:
        UserError: it cannot; the message says why.
    """
    model = model_without_memory(config, store)
    if config.pretrained and "pretrained" not in model_choices(config.model):
        raise UserError(f"--pretrained: {config.model} has no pretrained weights")
    check_flow_source(config, model, store.recipe)


def check_precision(config: TrainConfig, store: Store, *, device: torch.device) -> None:
    """Make sure that a configuration's model can learn in its precision on a device.

    In bfloat16 on a CPU, PyTorch 2.13 computes wrong gradients, and not the same twice, of some
    convolutions over time: of kernels of 3 over 2 pictures, for instance, it reads memory that
    nothing was written to.

    Raises:
        UserError: it has such convolutions.
    """
    if config.precision != "bf16-mixed" or device.type != "cpu":
        return
    model = model_without_memory(config, store)
    if any(isinstance(module, nn.Conv3d) for module in model.modules()):
        raise UserError(
            f"--precision bf16-mixed: {config.model} convolves over time, whose gradients PyTorch"
            " gets wrong in bf16 on a CPU; give 32-true"
        )


def has_slow_bf16(config: TrainConfig, *, device: torch.device) -> bool:
    """Whether bf16 is asked for where it was measured to take 14 to 22 times as long as fp32."""
    asked = config.precision == "bf16-mixed" and device.type == "cpu"
    return asked and get_cpu_capability() == "AVX2"


def save_model(
    path: Path,
    *,
    name: str,
    options: ModelOptions,
    weights: dict[str, torch.Tensor],
    store: Store,
) -> None:
    """Write weights atomically, with the model's name and options, the recipe and the classes.

    Args:
        path: the file.
        name: of the registered model.
        options: the choices within it.
        weights: its `state_dict()`.
        store: what it was trained on.
    """
    header = {
        "format": FORMAT,
        "model": name,
        "options": json.dumps(options.given()),
        "recipe": json.dumps(store.recipe.to_dict()),
        "classes": json.dumps(store.classes, ensure_ascii=False),
    }
    _write(path, weights, header)


def add_calibration(path: Path, calibration: Calibration) -> None:
    """Add a calibration to what `save_model` wrote, atomically; the weights stay.

    Raises:
        UserError: see `load_model`.
    """
    header = _header(path)
    header["calibration"] = json.dumps(calibration.to_dict(), ensure_ascii=False)
    _write(path, load_file(path), header)


def load_model(path: Path, *, device: torch.device | None = None) -> TrainedModel:
    """Read what `save_model` wrote. Nothing in the file is executed.

    Raises:
        UserError: the file is missing, is no model of this format, or one of a net that was another
            then.
    """
    header = _header(path)
    classes = tuple(json.loads(header["classes"]))
    recipe = Recipe.from_dict(json.loads(header["recipe"]))
    make = partial(
        create_model,
        header["model"],
        shape=model_shape(recipe, classes),
        options=ModelOptions(**json.loads(header.get("options", "{}"))),
    )
    with torch.device("meta"):
        model = make()
    if _has_unsaved_buffers(model):
        model = make()
    try:
        model.load_state_dict(load_file(path, device=str(device or "cpu")), assign=True)
    except RuntimeError:
        raise UserError(
            f"{path}: its weights are not those of {header['model']} as this signflow has it: train"
            " again, or use the signflow that wrote it"
        ) from None
    return TrainedModel(
        model=model.eval().to(device),
        recipe=recipe,
        classes=classes,
        calibration=_calibration(path, header),
    )


def _write(path: Path, weights: dict[str, torch.Tensor], header: dict[str, str]) -> None:
    with atomic_path(path) as beside:
        save_file({key: value.contiguous() for key, value in weights.items()}, beside, header)


def _calibration(path: Path, header: dict[str, Any]) -> Calibration:
    try:
        return Calibration.from_dict(json.loads(header.get("calibration", "{}")))
    except (AttributeError, TypeError, ValueError) as error:
        raise UserError(f"{path}: its calibration is damaged ({error}); train again") from None


def _has_unsaved_buffers(model: SignModel) -> bool:
    """Whether a library's net computes tensors when it is made and leaves them out of its weights.

    Such a net must be made with memory: nothing would fill them.
    """
    saved = model.state_dict().keys()
    return any(name not in saved for name, _ in model.named_buffers())


def _header(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(f"{path}: no such file; signflow train writes it")
    try:
        with safe_open(path, "pt") as file:
            header: dict[str, Any] = file.metadata() or {}
    except SafetensorError as error:
        raise UserError(f"{path}: is no model ({error}); train again") from None
    if header.get("format") != FORMAT:
        raise UserError(
            f"{path}: its format is {header.get('format')!r}; this signflow reads {FORMAT!r}: train"
            " again, or use the signflow that wrote it"
        )
    return header
