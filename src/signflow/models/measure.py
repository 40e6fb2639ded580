"""What a model costs: weights and arithmetic, found without memory for either."""

from dataclasses import dataclass

import torch

from signflow.models.contract import ModelOptions, Shape, SignModel
from signflow.models.registry import create_model


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a model costs.

    Attributes:
        model: the model, on the meta device: without values.
        weights: that are learnt.
        flops: operations for one clip, a multiplication and an addition being two; those of
            convolutions, matrix products and attention, which are nearly all.
    """

    model: SignModel
    weights: int
    flops: int


def measure_model(name: str, *, shape: Shape, options: ModelOptions | None = None) -> Cost:
    """Make a model on the meta device, send a clip through it and count.

    Args:
        name: one of `list_models()`.
        shape: what it is made for.
        options: choices within the model.

    Raises:
        UserError: as `create_model`.

    Example:
        >>> measure_model("spatial", shape=Shape(classes=10)).weights
        200768706
    """
    # The counter brings in PyTorch's compiler: seconds that nobody else should wait for.
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        model = create_model(name, shape=shape, options=options).eval()
        size = (shape.image_size, shape.image_size)
        seen = 1 if model.inputs.rgb == "middle" else shape.frames
        rgb = torch.empty((1, seen, *size, 3), dtype=torch.uint8)
        flow = torch.empty((1, shape.frames - 1, *size, 2), dtype=torch.uint8)
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            model(rgb=rgb if model.inputs.rgb else None, flow=flow if model.inputs.flow else None)
    weights = sum(parameter.numel() for parameter in model.parameters())
    return Cost(model=model, weights=weights, flops=counter.get_total_flops())
