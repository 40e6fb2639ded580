"""Two linear layers with nothing between them are one: fold them, exactly."""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)

_CHUNK = 4096
"""Columns folded at a time: the report's first matrix would need 3.2 GB in 64 bits."""


def folded(model: Model) -> Model:
    """Copy a model whose pairs of linear layers in an `nn.Sequential` are one layer each.

    In evaluation nothing stands between such a pair: dropout and identity do nothing. So

        W2 (W1 x + b1) + b2  =  (W2 W1) x + (W2 b1 + b2)

    for every x, up to rounding. The products are computed in 64 bits and kept in the weights' own
    precision. A pair is left as it is where the one matrix would be larger than the two: a
    bottleneck has few weights because there are two. Longer chains fold to the end.

    Args:
        model: in evaluation mode; it is left as it is, and the copy shares the weights of all that
            is not folded.

    Raises:
        ValueError: the model is in training mode, in which dropout acts.

    Example:
        >>> pair = nn.Sequential(nn.Dropout(), nn.Linear(200_704, 1000), nn.Linear(1000, 10))
        >>> folded(pair.eval())
        Sequential(
          (0): Linear(in_features=200704, out_features=10, bias=True)
        )
    """
    if model.training:
        raise ValueError("the model is in training mode, but dropout acts there; call eval() first")
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    copied: Model = _fold(copy.deepcopy(model, memo=dict(shared)))  # type: ignore[assignment]
    return copied


def weight_bytes(model: nn.Module) -> int:
    """Bytes of a model's weights and buffers."""
    return sum(each.nbytes for each in (*model.parameters(), *model.buffers()))


def _fold(module: nn.Module) -> nn.Module:
    if isinstance(module, nn.Sequential) and type(module) is nn.Sequential:
        layers = _fold_layers(list(module))
        if len(layers) < len(module):
            return nn.Sequential(*layers).eval()
    for name, child in module.named_children():
        setattr(module, name, _fold(child))
    return module


def _fold_layers(layers: list[nn.Module]) -> list[nn.Module]:
    """The layers with their pairs folded; the same list where there is none."""
    acting = [layer for layer in layers if not isinstance(layer, nn.Dropout | nn.Identity)]
    kept: list[nn.Module] = []
    for layer in acting:
        before = kept[-1] if kept else None
        if type(layer) is nn.Linear and type(before) is nn.Linear and _pays(before, layer):
            kept[-1] = _fold_pair(before, layer)
        else:
            kept.append(_fold(layer))
    return kept if len(kept) < len(acting) else [_fold(layer) for layer in layers]


def _pays(first: nn.Linear, second: nn.Linear) -> bool:
    apart = first.in_features * first.out_features + second.in_features * second.out_features
    return first.in_features * second.out_features <= apart


@torch.inference_mode(mode=False)
@torch.no_grad()
def _fold_pair(first: nn.Linear, second: nn.Linear) -> nn.Linear:
    outer = second.weight.double()
    columns = [outer @ part.double() for part in torch.split(first.weight, _CHUNK, dim=1)]
    bias: Tensor | None = None
    if first.bias is not None:
        bias = outer @ first.bias.double()
    if second.bias is not None:
        bias = second.bias.double() if bias is None else bias + second.bias.double()
    one = nn.Linear(
        first.in_features, second.out_features, bias=bias is not None, device="meta"
    ).eval()
    one.weight = _parameter(torch.cat(columns, dim=1), like=second.weight)
    if bias is not None:
        one.bias = _parameter(bias, like=second.weight)
    return one


def _parameter(values: Tensor, *, like: Tensor) -> nn.Parameter:
    return nn.Parameter(values.to(like.dtype), requires_grad=False)
