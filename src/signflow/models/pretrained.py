"""Weights that were learnt elsewhere: the libraries' own routes, and what to do without a network.

Nothing that is loaded may execute: tensors only, from safetensors or `weights_only` files.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from torch import nn

from signflow.errors import UserError

Value = TypeVar("Value")

# What libraries raise without a network (OSError), for a file that is cut off or is none, and for
# weights of another shape (RuntimeError).
_FAILURES = (OSError, RuntimeError, ValueError, EOFError, UnpicklingError, SafetensorError)


def weights_folder() -> Path:
    """Where PyTorch keeps downloaded weights, and where files can be placed by hand.

    `$TORCH_HOME/hub/checkpoints`; without TORCH_HOME it is `~/.cache/torch/hub/checkpoints`.
    """
    return Path(torch.hub.get_dir()) / "checkpoints"


def load_torchvision_weights(net: nn.Module, name: str, weights: Any) -> None:
    """Load a torchvision weights entry, downloaded unless it is in `weights_folder()`.

    Args:
        net: what they are for, as torchvision makes it.
        name: torchvision's name of it, for the message.
        weights: a member of the net's weights enumeration.

    Raises:
        UserError: they can be neither found nor downloaded (exit status 1).
    """
    place = weights_folder() / weights.url.rsplit("/", 1)[-1]
    remedy = f"fetch {weights.url} on a machine with a network and place it as {place}"

    def load() -> None:
        net.load_state_dict(
            weights.get_state_dict(progress=sys.stderr.isatty(), check_hash=True, weights_only=True)
        )

    load_or_explain(load, net=name, remedy=remedy)


def placed_file(name: str) -> Path:
    """Where a net's weights can be placed by hand, as safetensors: `NAME.safetensors`.

    A slash in the name becomes "--": MCG-NJU--videomae-base.safetensors.
    """
    return weights_folder() / f"{name.replace('/', '--')}.safetensors"


def load_or_explain(load: Callable[[], Value], *, net: str, remedy: str) -> Value:
    """Load weights; where they cannot be had, say so, and how to place them.

    Args:
        load: the library's own route.
        net: whose weights, for the message.
        remedy: what to do instead.

    Raises:
        UserError: `load` raised what libraries raise without a network, or for a broken file
            (exit status 1).
    """
    try:
        return load()
    except _FAILURES as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(
            f"--pretrained: the weights of {net} cannot be loaded ({first[0].rstrip('.')});"
            f" {remedy}",
            exit_status=1,
        ) from None
