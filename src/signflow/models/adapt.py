"""A library's net for other channels than red, green and blue."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

RGB: tuple[int | None, ...] = (0, 1, 2)


def adapt_first_conv(net: nn.Module, sources: Sequence[int | None], *, pretrained: bool) -> None:
    """Make the first convolution of a net take other channels, in place.

    Weights that were learnt on colours are kept: a channel that is red, green or blue keeps that
    channel's, every other gets the mean of the three ("cross modality pre-training": Wang et al.,
    "Temporal Segment Networks", ECCV 2016). Fresh weights are drawn anew, since the mean of three
    draws would be smaller and the same for all channels.

    Args:
        net: one whose first convolution takes 3 channels.
        sources: for each channel which of red (0), green (1), blue (2) it is; None: none of them.
        pretrained: whether the net's weights were learnt.

    Raises:
        ValueError: the net has no such convolution.

    Example:
        >>> adapt_first_conv(net, [None] * 18, pretrained=True)  # flow of nine pairs
    """
    name, conv = _first_conv(net)
    if tuple(sources) == RGB:
        return
    adapted = deepcopy(conv)  # of its own class, which may pad or normalise in its own way
    adapted.in_channels = len(sources)
    weight = conv.weight.detach()
    adapted.weight = nn.Parameter(torch.cat([_of_channel(weight, each) for each in sources], dim=1))
    if not pretrained:
        adapted.reset_parameters()
    parent, _, child = name.rpartition(".")
    setattr(net.get_submodule(parent), child, adapted)


def _first_conv(net: nn.Module) -> tuple[str, nn.Conv2d | nn.Conv3d]:
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            if module.in_channels != len(RGB) or module.groups != 1:
                break
            return name, module
    raise ValueError(
        f"{type(net).__name__} does not begin with a convolution over red, green and blue, which"
        " could be adapted to other channels"
    )


def _of_channel(weight: Tensor, source: int | None) -> Tensor:
    """The kernels (out, 1, ...) for one channel, of those (out, 3, ...) for the colours."""
    if source is None:
        return weight.mean(dim=1, keepdim=True)
    return weight[:, source : source + 1]
