"""Temporal shift: an image net that hands a part of its channels to the neighbouring frames.

Source: Lin, Gan and Han, "TSM: Temporal Shift Module for Efficient Video Understanding", ICCV 2019.
"""

import torch
from torch import Tensor, nn

from signflow.models.contract import Fusion, InputsChoice, Shape, SignModel
from signflow.models.frame_encoder import FrameEncoder
from signflow.models.registry import register_model
from signflow.models.streams import StreamShape
from signflow.models.two_stream import TwoStream

SHARE = 8

# Blocks of torchvision and timm that add what they do to what they were given: only there does a
# shift before the first convolution leave the frame's own features whole.
_RESIDUAL_BLOCKS = (
    "BasicBlock",
    "Bottleneck",
    "CNBlock",
    "ConvNeXtBlock",
    "DepthwiseSeparableConv",
    "EdgeResidual",
    "FusedMBConv",
    "InvertedResidual",
    "MBConv",
    "ResBottleneckBlock",
    "UniversalInvertedResidual",
)
_WHETHER_RESIDUAL = ("use_res_connect", "has_skip")
_SHORT_CUTS = ("proj", "downsample")


class TemporalShift(nn.Module):
    """An eighth of the channels from the frame after, an eighth from the one before, then `conv`.

    At a clip's ends, where there is no neighbour, these are 0.
    """

    def __init__(self, conv: nn.Conv2d, *, steps: int) -> None:
        """Shift before a convolution.

        Args:
            conv: what follows the shift.
            steps: of time in each clip.
        """
        super().__init__()
        self.conv = conv
        self._steps = steps
        self._part = max(conv.in_channels // SHARE, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(B * steps, channels, H, W), a clip's steps side by side."""
        shifted = temporal_shift(
            images.reshape(-1, self._steps, *images.shape[1:]), part=self._part
        )
        features: Tensor = self.conv(shifted.flatten(0, 1))
        return features


def temporal_shift(clips: Tensor, *, part: int) -> Tensor:
    """Shift channels along time: (B, steps, channels, H, W) -> the same.

    Args:
        clips: features of the steps.
        part: so many channels come from the step after, as many from the step before.
    """
    nothing = torch.zeros_like(clips[:, :1, :part])
    after = torch.cat([clips[:, 1:, :part], nothing], dim=1)
    before = torch.cat([nothing, clips[:, :-1, part : 2 * part]], dim=1)
    return torch.cat([after, before, clips[:, :, 2 * part :]], dim=2)


def insert_shifts(net: nn.Module, *, steps: int) -> int:
    """Put a shift before the first convolution of every residual block, in place.

    Args:
        net: an image net.
        steps: of time in each clip.

    Returns:
        How many there are.
    """
    blocks = [module for module in net.modules() if _is_residual(module)]
    for block in blocks:
        name, conv = next(
            (name, module)
            for name, module in block.named_modules()
            if isinstance(module, nn.Conv2d) and not name.startswith(_SHORT_CUTS)
        )
        parent, _, child = name.rpartition(".")
        setattr(block.get_submodule(parent), child, TemporalShift(conv, steps=steps))
    return len(blocks)


def _is_residual(module: nn.Module) -> bool:
    if type(module).__name__ not in _RESIDUAL_BLOCKS:
        return False
    # torchvision's InvertedResidual is two nets; ShuffleNet's, without the attribute, adds nothing.
    says = [bool(getattr(module, name)) for name in _WHETHER_RESIDUAL if hasattr(module, name)]
    return says[0] if says else type(module).__name__ != "InvertedResidual"


class ShiftEncoder(FrameEncoder):
    """An image net with temporal shifts, and the mean over time."""

    def __init__(self, encoder: str, stream: StreamShape, *, pretrained: bool) -> None:
        super().__init__(encoder, stream, pretrained=pretrained)
        if not insert_shifts(self.image_net.net, steps=stream.steps):
            raise ValueError(
                f"encoder {encoder} has no residual blocks of convolutions for the shift to act in;"
                " a ResNet, RegNet, MobileNet, EfficientNet or ConvNeXt has"
            )


@register_model
def tsm(
    shape: Shape,
    *,
    encoder: str = "resnet18",
    inputs: InputsChoice = "rgb",
    fusion: Fusion | None = None,
    pretrained: bool = False,
) -> SignModel:
    """An image net over all frames with a temporal shift in every residual block."""
    return TwoStream(
        shape,
        lambda stream: ShiftEncoder(encoder, stream, pretrained=pretrained),
        inputs=inputs,
        fusion=fusion,
    )
