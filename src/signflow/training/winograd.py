"""Convolution, ReLU and pooling of the report's nets at once, on a processor with AVX2 and numba.

Of what a step takes, convolutions of 5 x 5 are three quarters; Winograd's way of computing them
needs 2.8 times fewer multiplications (`winograd_kernel`). What came out of a convolution is never
written, only what is pooled of it. What is learnt is the same but for rounding, of which there is
up to ten times as much (docs/training.md says what that decides).
"""

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d

from signflow.models import SignModel
from signflow.training.pooling import is_relu_and_pool, nothing, relu_and_pool


def convolve_at_once(model: SignModel) -> None:
    """Have every convolution of 5 x 5 that ReLU and max pooling of 2 x 2 follow do these as well.

    The model must call them one after the other, as `nn.Sequential` does. Its weights, their names
    and, but for rounding, what it computes stay as they are. Needs numba.
    """
    from signflow.training.winograd_kernel import can_convolve

    for convolution, activation, pooling in _triples(model):
        if can_convolve(convolution.out_channels):
            convolution.forward = partial(_forward, convolution)  # type: ignore[method-assign]
            activation.forward = nothing
            pooling.forward = nothing


def convolve_and_pool(pictures: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`max_pool2d(relu(conv2d(pictures, weight, bias, padding=2)), 2)`.

    Args:
        pictures: (B, C, H, W), on the processor.
        weight: (O, C, 5, 5); see `can_convolve`.
        bias: (O,).
    """
    is_empty = not len(pictures) or min(pictures.shape[2:]) < 2
    if is_empty or pictures.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
        return relu_and_pool(conv2d(pictures, weight, bias, padding=2))
    pooled: Tensor = _Convolution.apply(pictures, weight, bias)  # type: ignore[no-untyped-call]
    return pooled


def _forward(convolution: nn.Conv2d, pictures: Tensor) -> Tensor:
    assert convolution.bias is not None
    return convolve_and_pool(pictures, convolution.weight, convolution.bias)


def _triples(model: nn.Module) -> Iterator[tuple[nn.Conv2d, nn.Module, nn.Module]]:
    for module in model.modules():
        layers = list(module) if isinstance(module, nn.Sequential) else []
        for one, other, last in zip(layers, layers[1:], layers[2:], strict=False):
            if type(one) is nn.Conv2d and _is_ours(one) and is_relu_and_pool(other, last):
                yield one, other, last


def _is_ours(layer: nn.Conv2d) -> bool:
    shape = (layer.kernel_size, layer.padding, layer.stride, layer.dilation, layer.groups)
    as_ours = shape == ((5, 5), (2, 2), (1, 1), (1, 1), 1) and layer.padding_mode == "zeros"
    return as_ours and layer.bias is not None


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pictures: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        from signflow.training.winograd_kernel import convolve

        pictures = pictures.contiguous()
        pooled = convolve(
            pictures.numpy(),
            _transform(weight.permute(2, 3, 0, 1)).numpy(),
            bias.numpy(),
            threads=torch.get_num_threads(),
        )
        ctx.save_for_backward(pictures, weight, torch.from_numpy(pooled.chosen))
        return torch.from_numpy(pooled.pictures)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        from signflow.training.winograd_kernel import gradient_of_pictures, gradients_of_weights

        pictures, weight, chosen = ctx.saved_tensors
        back = gradients[0].contiguous()
        threads = torch.get_num_threads()
        of_pictures = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            gradient = gradient_of_pictures(
                back.numpy(),
                chosen.numpy(),
                _transform(weight.flip(2, 3).permute(2, 3, 1, 0)).numpy(),
                height=pictures.shape[2],
                width=pictures.shape[3],
                threads=threads,
            )
            of_pictures = torch.from_numpy(gradient)
        if ctx.needs_input_grad[1] or ctx.needs_input_grad[2]:
            products, sums = gradients_of_weights(
                pictures.numpy(), back.numpy(), chosen.numpy(), threads=threads
            )
            of_weight = _transform_back(torch.from_numpy(products), like=weight)
            of_bias = torch.from_numpy(sums)
        return of_pictures, of_weight, of_bias


def _transform(kernels: Tensor) -> Tensor:
    """Kernels (5, 5, A, B) as they are multiplied: (6, 6, A, B)."""
    transformed = _of_kernels() @ kernels.double().reshape(25, -1)
    return transformed.view(6, 6, *kernels.shape[2:]).float()


def _transform_back(products: Tensor, *, like: Tensor) -> Tensor:
    """The gradient of (O, C, 6, 6) for kernels like (O, C, 5, 5)."""
    gradient = products.double().flatten(2) @ _of_kernels()
    return gradient.view_as(like).to(like.dtype)


@lru_cache(maxsize=1)
def _of_kernels() -> Tensor:
    from signflow.training.winograd_kernel import OF_KERNELS

    return torch.kron(torch.from_numpy(OF_KERNELS), torch.from_numpy(OF_KERNELS))
