"""ReLU and max pooling of the report's nets in one pass, on a CPU with numba.

PyTorch goes over the pictures twice forwards and three times backwards, and keeps them, with eight
bytes for each pixel that was chosen. The larger of two numbers is above 0 where one of them is, so
both can be done at once, and all that has to be kept is which of four pixels it was. What is learnt
is the same.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import max_pool2d, relu

from signflow.models import SignModel

if TYPE_CHECKING:
    from signflow.training.pooling_kernel import Layout

_BITS = {
    torch.float32: (torch.int32, 0x7F800000),
    torch.bfloat16: (torch.int16, 0x7F80),
    torch.float16: (torch.int16, 0x7C00),
}
"""What numbers of a type are as whole numbers, and the bits of infinity."""


def pool_in_one_pass(model: SignModel) -> None:
    """Have every ReLU of a model that max pooling of 2 x 2 follows be done by the pooling.

    The model must call them one after the other, as `nn.Sequential` does. Its weights, their names
    and what it computes stay as they are. Needs numba.
    """
    for activation, pooling in _pairs(model):
        activation.forward = nothing
        pooling.forward = relu_and_pool


def relu_and_pool(pictures: Tensor) -> Tensor:
    """`max_pool2d(relu(pictures), 2)`.

    Args:
        pictures: (B, C, H, W), on the processor.
    """
    if pictures.dtype not in _BITS or _layout(pictures) is None or not pictures.numel():
        return max_pool2d(relu(pictures), 2)
    pooled: Tensor = _ReluAndPool.apply(pictures)  # type: ignore[no-untyped-call]
    return pooled


def is_relu_and_pool(one: nn.Module, other: nn.Module) -> bool:
    """Whether two layers are ReLU and max pooling of 2 x 2, and nothing that is made of them."""
    plain = str(nn.MaxPool2d(2))
    return type(one) is nn.ReLU and type(other) is nn.MaxPool2d and str(other) == plain


def nothing(pictures: Tensor) -> Tensor:
    """What a layer does whose work is done by another."""
    return pictures


def _pairs(model: nn.Module) -> Iterator[tuple[nn.Module, nn.Module]]:
    for layers in model.modules():
        if isinstance(layers, nn.Sequential):
            for one, other in pairwise(layers):
                if is_relu_and_pool(one, other):
                    yield one, other


class _ReluAndPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pictures: Tensor) -> Tensor:
        from signflow.training.pooling_kernel import pool

        batch, channels, height, width = pictures.shape
        layout = _layout(pictures)
        assert layout is not None
        pooled = _empty_like(pictures, (batch, channels, height // 2, width // 2), layout)
        chosen = torch.empty_like(pooled, dtype=torch.uint8)
        pool(
            _flat(pictures, layout),
            _flat(pooled, layout),
            _flat(chosen, layout),
            infinity=_BITS[pictures.dtype][1],
            layout=layout,
            threads=torch.get_num_threads(),
        )
        ctx.save_for_backward(chosen)
        ctx.size, ctx.layout = pictures.shape, layout
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        from signflow.training.pooling_kernel import unpool

        (back,), (chosen,) = gradients, ctx.saved_tensors
        layout = ctx.layout
        gradient = _empty_like(back, ctx.size, layout)
        back = back.contiguous(memory_format=_memory_format(layout))
        unpool(
            _flat(gradient, layout),
            _flat(back, layout),
            _flat(chosen, layout),
            layout=layout,
            threads=torch.get_num_threads(),
        )
        return gradient


def _layout(pictures: Tensor) -> "Layout | None":
    if pictures.is_contiguous():
        return "planes"
    if pictures.is_contiguous(memory_format=torch.channels_last):
        return "pixels"
    return None


def _memory_format(layout: "Layout") -> torch.memory_format:
    return torch.contiguous_format if layout == "planes" else torch.channels_last


def _empty_like(tensor: Tensor, size: tuple[int, ...], layout: "Layout") -> Tensor:
    return torch.empty(size, dtype=tensor.dtype, memory_format=_memory_format(layout))


def _flat(tensor: Tensor, layout: "Layout") -> Any:
    """As whole numbers, in the order of memory: (N, H, W), or (N, H, W, C)."""
    if tensor.dtype in _BITS:
        tensor = tensor.view(_BITS[tensor.dtype][0])
    tensor = tensor.detach()
    ordered = tensor.flatten(0, 1) if layout == "planes" else tensor.permute(0, 2, 3, 1)
    return ordered.numpy()
