"""Flow straight from frames on a device, as a store would hold it."""

from typing import TYPE_CHECKING

from signflow.errors import UserError
from signflow.video.camera import Camera
from signflow.video.flow import DeviceFlow, FlowMethod, device_flow_methods

if TYPE_CHECKING:
    from torch import Tensor


def online_flow(
    frames: "Tensor", *, method: FlowMethod, bound: float, camera: Camera = "keep"
) -> "Tensor":
    """Flow between neighbouring frames, computed where the frames are, in the store's values.

    From a store's frames it gives the flow beside them, but for what rounding does.

    Args:
        frames: (B, T, H, W, 3), T at least 2, RGB, uint8, or float32 from 0 to 255.
        method: how: the recipe's `flow`.
        bound: the recipe's `bound`, in pixels.
        camera: the recipe's `camera`.

    Returns:
        float32 (B, T - 1, H, W, 2), x then y, whole numbers from 1 to 255: 128 is no motion, 128 +-
        127 is +- `bound` pixels and beyond. Without a gradient.

    Raises:
        ValueError: frames of another shape or type, or `bound` is not above 0.
        UserError: the method has no form in PyTorch, or its weights cannot be had.

    Example:
        >>> frames = torch.zeros(4, 10, 64, 64, 3, dtype=torch.uint8, device="cuda")
        >>> online_flow(frames, method=recipe.flow, bound=recipe.bound, camera=recipe.camera).shape
        torch.Size([4, 9, 64, 64, 2])
    """
    import torch

    from signflow.video.tensors import remove_camera_on_device, store_scale

    if (
        frames.ndim != 5
        or frames.shape[-1] != 3
        or frames.shape[1] < 2
        or frames.dtype not in (torch.uint8, torch.float32)
    ):
        raise ValueError(
            f"frames are {frames.dtype} {tuple(frames.shape)}, but must be uint8 or float32"
            " (B, T, H, W, 3), T >= 2"
        )
    if not 0 < bound < float("inf"):
        raise ValueError(f"bound is {bound}, but must be a number of pixels above 0")
    if not isinstance(method, DeviceFlow):
        raise UserError(
            f"flow method {method.name!r} has no form in PyTorch, so that it cannot be computed on"
            f" the fly; choose one of: {', '.join(device_flow_methods())}"
        )
    with torch.no_grad(), torch.autocast(frames.device.type, enabled=False):
        flow = remove_camera_on_device(method.on_device(frames), camera=camera)
        return store_scale(flow, bound=bound)
