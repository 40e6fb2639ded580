"""Frames and flow as tensors: what OpenCV and the store do to them, on any device."""

import torch
from torch import Tensor

from signflow.video.camera import Camera, camera_flow, grid_points
from signflow.video.quantise import STEPS, ZERO

_SHARES = (9798, 19235, 3735)
"""OpenCV's shares of red, green and blue in grey, 0.299, 0.587 and 0.114, in 1/32768."""

_SHARE_BITS = 15


def grey_of(frames: Tensor) -> Tensor:
    """Grey as `cv2.cvtColor(..., cv2.COLOR_RGB2GRAY)` makes it, to the bit where it is in bytes.

    Args:
        frames: (..., 3), RGB, uint8 or float32.

    Returns:
        (...) of the same type; float32 is not rounded.
    """
    red, green, blue = frames.unbind(-1)
    if frames.dtype != torch.uint8:
        return 0.299 * red + 0.587 * green + 0.114 * blue
    red, green, blue = (
        colour.int() * share for colour, share in zip((red, green, blue), _SHARES, strict=True)
    )
    rounded = red + green + blue + (1 << (_SHARE_BITS - 1))
    return (rounded >> _SHARE_BITS).to(torch.uint8)


def store_scale(flow: Tensor, *, bound: float) -> Tensor:
    """Flow in the values that `quantise_flow` stores, as float32: 128 is no motion, never 0.

    Args:
        flow: any shape, in pixels.
        bound: the recipe's.
    """
    return flow.mul(STEPS / bound).round_().clamp_(-STEPS, STEPS).add_(ZERO)


def remove_camera_on_device(flow: Tensor, *, camera: Camera) -> Tensor:
    """What `remove_camera` does; homographies are fitted by the processor.

    Args:
        flow: float32 (B, T - 1, H, W, 2), in pixels.
        camera: how.

    Returns:
        Flow of the same shape.
    """
    if camera == "keep":
        return flow
    if camera == "homography":
        return flow - _camera_flow(flow)
    points = flow.flatten(2, 3)
    if camera == "mean":
        return flow - points.mean(dim=2)[:, :, None, None]
    return flow - _median(points)[:, :, None, None]


def _median(points: Tensor) -> Tensor:
    """The median over dimension 2, between the two in the middle where there are two."""
    count = points.shape[2]
    ordered = points.sort(dim=2).values
    return (ordered[:, :, (count - 1) // 2] + ordered[:, :, count // 2]) / 2


def _camera_flow(flow: Tensor) -> Tensor:
    height, width = flow.shape[2:4]
    rows, columns = (
        torch.from_numpy(grid_points(size)).to(flow.device) for size in (height, width)
    )
    sampled = flow[:, :, rows[:, None], columns].flatten(0, 1).cpu().numpy()
    moved = torch.from_numpy(camera_flow(sampled, height=height, width=width))
    return moved.to(flow.device).view_as(flow)
