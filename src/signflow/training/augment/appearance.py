"""What frames look like: colours, noise, and backgrounds that say nothing."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from signflow.training.augment.draws import Draws
from signflow.training.augment.strengths import Augmentation

_GREY = (0.299, 0.587, 0.114)
_TO_YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))
_STILL_PIXELS = 1.0 / 224
_MARGIN = 1 / 16


def recolour(frames: Tensor, strengths: Augmentation, draws: Draws) -> Tensor:
    """Change the colours of frames, float32 (B, N, 3, H, W) in bytes, each clip's alike.

    Brightness, saturation and contrast are those of torchvision, contrast around the mean of the
    clip instead of that of each frame; the hue turns in the plane of YIQ. So all are one matrix.
    """
    brightness, contrast, saturation, hue = (
        strength * draws.either_way()
        for strength in (
            strengths.brightness,
            strengths.contrast,
            strengths.saturation,
            strengths.hue,
        )
    )
    matrix = _turned(hue) @ _saturated(1 + saturation)
    matrix = (1 + contrast)[:, None, None] * (1 + brightness)[:, None, None] * matrix
    means = frames.mean(dim=(1, 3, 4))
    grey = (means @ means.new_tensor(_GREY)) * (1 + brightness).to(means)
    offset = -contrast.to(grey) * grey
    by = matrix.to(frames)
    colours = frames.transpose(1, 2)
    mixed = torch.baddbmm(offset[:, None, None].expand(-1, 3, 1), by, colours.flatten(2))
    return mixed.view_as(colours).transpose(1, 2)


def add_noise(images: Tensor, deviations: Tensor, generators: list[torch.Generator]) -> None:
    """Add normal noise to images (B, ...), in place, of a standard deviation (B,) for each clip."""
    each = zip(images, deviations.tolist(), generators, strict=True)
    for image, deviation, generator in each:
        noise = torch.randn(image.shape, generator=generator, device=image.device)
        image.add_(noise, alpha=deviation)


def erase_still(
    frames: Tensor,
    flow: Tensor | None,
    *,
    chosen: Tensor,
    noisy: Tensor,
    pixels_per_step: float,
    generators: list[torch.Generator],
) -> Tensor:
    """Replace what stands still throughout a clip.

    What moves more than 1 pixel in 224, and a margin around it, is kept. Where there is no flow,
    what changes by more than 16 bytes counts as moving; a single frame then stays as it is.

    Args:
        frames: float32 (B, N, 3, H, W), in bytes.
        flow: float32 (B, P, 2, H, W), 0 no motion; None: the model sees none.
        chosen: bool (B,), whose frames.
        noisy: bool (B,): by noise, the same in all frames; otherwise by the clip's mean colour.
        pixels_per_step: how many pixels 1 in the flow is.
        generators: one for each clip.
    """
    if flow is None and frames.shape[1] == 1:
        return frames
    size = frames.shape[-1]
    if flow is None:
        motion = (frames.amax(dim=1) - frames.amin(dim=1)).amax(dim=1) > 16
    else:
        fastest = flow.square().sum(dim=2).amax(dim=1).sqrt() * pixels_per_step
        motion = fastest > size * _STILL_PIXELS
    margin = max(1, math.ceil(size * _MARGIN))
    kept = functional.max_pool2d(motion.float()[:, None], 2 * margin + 1, 1, margin)
    kept = functional.avg_pool2d(kept, 3, 1, 1, count_include_pad=False)
    kept = torch.where(chosen.to(frames.device)[:, None, None, None], kept, 1.0)[:, None]
    mean = frames.mean(dim=(1, 3, 4))[:, None, :, None, None]
    noise = [
        torch.rand((1, 3, *frames.shape[3:]), generator=generator, device=frames.device)
        for generator in generators
    ]
    noisy = noisy.to(frames.device)[:, None, None, None, None]
    filling = torch.where(noisy, 255 * torch.stack(noise), mean)
    erased: Tensor = torch.lerp(filling, frames, kept)
    return erased


def _saturated(factors: Tensor) -> Tensor:
    grey = torch.tensor(_GREY, dtype=factors.dtype).expand(3, 3)
    return factors[:, None, None] * torch.eye(3, dtype=factors.dtype) + (
        (1 - factors)[:, None, None] * grey
    )


def _turned(hues: Tensor) -> Tensor:
    angle = 2 * math.pi * hues
    turn = torch.eye(3, dtype=hues.dtype).repeat(len(hues), 1, 1)
    turn[:, 1, 1] = turn[:, 2, 2] = angle.cos()
    turn[:, 1, 2], turn[:, 2, 1] = -angle.sin(), angle.sin()
    yiq = torch.tensor(_TO_YIQ, dtype=hues.dtype)
    back: Tensor = torch.linalg.inv(yiq)
    return back @ turn @ yiq
