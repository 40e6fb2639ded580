"""RAFT of torchvision: its net, its weights, its flow."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.parse import urlparse

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import optical_flow

from signflow.errors import UserError
from signflow.watchdog import sign_of_life

_WEIGHTS: dict[str, Any] = {
    "large": optical_flow.Raft_Large_Weights.C_T_SKHT_V2,
    "small": optical_flow.Raft_Small_Weights.C_T_V2,
}
"""Named, not torchvision's default: a recipe means the same with every version of it."""

_PAIRS = 16
"""Pairs that go through the net at once on a device other than the processor."""


@torch.no_grad()
def raft_flow(frames: Tensor, *, variant: str, iterations: int) -> Tensor:
    """Flow between neighbouring frames.

    Args:
        frames: (B, T, H, W, 3), RGB, 0 to 255, sides from 121 on.
        variant: large or small.
        iterations: refinements.

    Returns:
        float32 (B, T - 1, H, W, 2) on the device of `frames`.

    Raises:
        UserError: the weights cannot be had.
    """
    net = raft_net(variant, device=str(frames.device))
    height, width = frames.shape[2:4]
    up, left = (-height % 8) // 2, (-width % 8) // 2
    sides = (left, -width % 8 - left, up, -height % 8 - up)
    before, after = frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
    at_once = 1 if frames.device.type == "cpu" else _PAIRS
    parts = []
    for pair in range(0, len(before), at_once):
        sign_of_life()
        pictures = (
            functional.pad(_normalised(some[pair : pair + at_once]), sides, mode="replicate")
            for some in (before, after)
        )
        flow = net(*pictures, num_flow_updates=iterations)[-1]
        parts.append(flow[:, :, up : up + height, left : left + width])
    return torch.cat(parts).movedim(1, -1).reshape(len(frames), -1, height, width, 2)


def raft_net(variant: str, *, device: str) -> nn.Module:
    """The net with its weights, from torch.hub's folder or, where they are not there, downloaded.

    Raises:
        UserError: they can be neither read nor downloaded.
    """
    return _loaded(variant, Path(torch.hub.get_dir()) / "checkpoints", device)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let the processor compute in one thread, so that sums are always in the same order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@lru_cache(maxsize=4)
def _loaded(variant: str, folder: Path, device: str) -> nn.Module:
    weights = _WEIGHTS[variant]
    file = folder / Path(urlparse(weights.url).path).name
    asked = f"flow method 'raft' (variant={variant})"
    net: nn.Module = (optical_flow.raft_large if variant == "large" else optical_flow.raft_small)()
    net.eval().requires_grad_(False)
    try:
        state = weights.get_state_dict(
            model_dir=str(folder),
            map_location="cpu",
            progress=False,
            check_hash=True,
            weights_only=True,
        )
        net.load_state_dict(state)
    except (OSError, HTTPException, RuntimeError, EOFError, UnpicklingError) as error:
        reason = " ".join(str(error).split())[:200]
        if file.exists():
            raise UserError(
                f"{file}: does not hold the weights of {asked}: {reason}; remove it, and it is"
                f" downloaded anew from {weights.url}"
            ) from None
        raise UserError(
            f"{asked}: its weights could not be downloaded from {weights.url}: {reason}; place"
            f" that file in {folder}, or set TORCH_HOME to the folder that holds hub/checkpoints"
        ) from None
    return net.to(device)


def _normalised(frames: Tensor) -> Tensor:
    """From (N, H, W, 3), 0 to 255, to (N, 3, H, W), -1 to 1."""
    return frames.movedim(-1, 1).float().div(127.5).sub(1)
