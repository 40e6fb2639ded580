"""Small clips, and what a model looks at of them."""

import torch
from torch import Tensor

from signflow.models import Shape, SignModel

SMALL = Shape(classes=5, frames=4, image_size=32)


def clips(shape: Shape = SMALL, *, count: int = 2) -> tuple[Tensor, Tensor]:
    """Frames and flow of clips, as bytes."""
    generator = torch.Generator().manual_seed(1)
    side = shape.image_size

    def bytes_of(*size: int) -> Tensor:
        return torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)

    return (
        bytes_of(count, shape.frames, side, side, 3),
        bytes_of(count, shape.frames - 1, side, side, 2),
    )


def seen(model: SignModel, rgb: Tensor, flow: Tensor) -> dict[str, Tensor | None]:
    """What of clips a model looks at."""
    middle = rgb.shape[1] // 2
    frames = rgb[:, middle : middle + 1] if model.inputs.rgb == "middle" else rgb
    return {
        "rgb": frames if model.inputs.rgb else None,
        "flow": flow if model.inputs.flow else None,
    }


def logits_of(model: SignModel, rgb: Tensor, flow: Tensor) -> Tensor:
    """What a model says of clips."""
    return model(**seen(model, rgb, flow))
