"""One affine map for all frames of a clip and its flow, whose vectors change with it."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from signflow.training.augment.draws import Draws
from signflow.training.augment.strengths import Augmentation


def draw_maps(strengths: Augmentation, draws: Draws) -> tuple[Tensor, Tensor]:
    """A map for each clip.

    Returns:
        what `affine_maps` returns.
    """
    return affine_maps(
        scale=(1 + strengths.scale) ** draws.either_way(),
        aspect=(1 + strengths.aspect) ** draws.either_way(),
        rotation=strengths.rotation * draws.either_way(),
        shift=strengths.shift * draws.either_way(2),
        mirrored=draws.uniform() < (0.5 if strengths.flip else 0.0),
    )


def affine_maps(
    *, scale: Tensor, aspect: Tensor, rotation: Tensor, shift: Tensor, mirrored: Tensor
) -> tuple[Tensor, Tensor]:
    """Where things go: mirrored, then scaled, turned around the centre, and shifted.

    Args:
        scale: float64 (B,), above 1 enlarges.
        aspect: float64 (B,), above 1 widens and flattens, with the area kept.
        rotation: degrees, float64 (B,); positive turns clockwise, as one looks at it.
        shift: shares of width and height, float64 (B, 2).
        mirrored: bool (B,), left for right.

    Returns:
        linear parts in pixels, float64 (B, 2, 2), and shifts, float64 (B, 2), in shares.
    """
    angle = rotation * (math.pi / 180)
    across = torch.where(mirrored, -1.0, 1.0) * scale * aspect.sqrt()
    down = scale / aspect.sqrt()
    cos, sin = angle.cos(), angle.sin()
    rows = [cos * across, -sin * down, sin * across, cos * down]
    return torch.stack(rows, dim=1).view(-1, 2, 2), shift


def move_images(images: Tensor, linear: Tensor, shift: Tensor, *, replicate: bool) -> Tensor:
    """Resample images, bilinearly, once; where all are mirrored at most, they are not resampled.

    Args:
        images: float32 (B, C, H, W).
        linear: float64 (B, 2, 2), of pixels from the centre.
        shift: float64 (B, 2), in shares of width and height.
        replicate: what comes in from outside is like the edge; False: it is 0.
    """
    height, width = images.shape[-2:]
    if torch.equal(linear.abs(), torch.eye(2, dtype=linear.dtype).expand_as(linear)) and not (
        shift.any() or (linear[:, 1, 1] < 0).any()
    ):
        mirrored = (linear[:, 0, 0] < 0).to(images.device)
        return torch.where(mirrored[:, None, None, None], images.flip(3), images)
    size = torch.tensor([width, height], dtype=linear.dtype)
    # grid_sample asks where a point comes from, with the edges at -1 and 1.
    back = torch.linalg.inv(linear) * size[None, None, :] / size[None, :, None]
    offset = -(back @ (2 * shift).unsqueeze(2))
    theta = torch.cat([back, offset], dim=2).to(images)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    padding = "border" if replicate else "zeros"
    return functional.grid_sample(images, grid, padding_mode=padding, align_corners=False)


def move_frames(frames: Tensor, linear: Tensor, shift: Tensor) -> Tensor:
    """Move frames, float32 (B, N, 3, H, W); their edges go on outside, as does a letterbox."""
    moved = move_images(frames.flatten(1, 2), linear, shift, replicate=True)
    return moved.view_as(frames)


def move_flow(flow: Tensor, linear: Tensor, shift: Tensor) -> Tensor:
    """Move flow, float32 (B, P, 2, H, W), 0 no motion, and its vectors; nothing moves outside."""
    moved = move_images(flow.flatten(1, 2), linear, shift, replicate=False).view_as(flow)
    x, y = moved.unbind(2)
    by = linear.to(flow)[..., None, None, None]
    return torch.stack(
        [by[:, 0, 0] * x + by[:, 0, 1] * y, by[:, 1, 0] * x + by[:, 1, 1] * y], dim=2
    )
