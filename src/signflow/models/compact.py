"""Compact: a small two-stream net for tens of clips and a processor.

Every picture of a clip (a frame, the flow of a pair) goes through the same few depthwise-separable
convolutions and is averaged over its area; convolutions over time then see what follows what. There
is no large matrix that could learn the clips by heart.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from signflow.models.contract import Inputs, Shape, SignModel
from signflow.models.registry import register_model

SIDE = 56
"""Pictures are averaged down to about so many pixels a side before the first convolution."""

WIDTHS = (24, 48, 96)
FEATURES = 128
DILATIONS = (1, 2, 4)
DROPOUT = 0.3

FRAMES_SEEN = 4
"""Frames of a clip that the RGB stream looks at: a hand changes its shape slower than its place."""

RGB_DROPOUT = 0.5
"""Share of clips in training whose RGB features are left out, so that flow alone has to do."""

_FLOW_SCALE = 1 / 8
_RGB_SCALE = 1 / 64


class Separable(nn.Module):
    """A depthwise 3x3 convolution and a pointwise one (MobileNets, Howard et al. 2017)."""

    def __init__(self, channels: int, out: int, *, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, out, 1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
        )
        self.skips = channels == out and stride == 1

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, out, H / stride, W / stride)."""
        made: Tensor = self.layers(pictures)
        return pictures + made if self.skips else made


class PictureEncoder(nn.Module):
    """Each picture of a clip becomes a vector: (B, N, C, H, W) -> (B, FEATURES, N)."""

    def __init__(self, channels: int, *, shrink: int) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.shrink = shrink
        self.stem = nn.Sequential(
            nn.Conv2d(channels, first, 5, 2, 2, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
        )
        self.body = nn.Sequential(
            Separable(first, second, stride=2),
            Separable(second, second, stride=1),
            Separable(second, third, stride=2),
            Separable(third, third, stride=1),
        )
        self.widen = nn.Sequential(
            nn.Conv1d(third, FEATURES, 1, bias=False),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(inplace=True),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        clips, count = pictures.shape[:2]
        flat = functional.avg_pool2d(pictures.flatten(0, 1), self.shrink)
        pooled = self.body(self.stem(flat)).mean((2, 3))
        vectors: Tensor = self.widen(pooled.unflatten(0, (clips, count)).transpose(1, 2))
        return vectors


class Moment(nn.Module):
    """A depthwise-separable convolution over time, dilated, with a way around it."""

    def __init__(self, *, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(
                FEATURES,
                FEATURES,
                5,
                padding=2 * dilation,
                dilation=dilation,
                groups=FEATURES,
                bias=False,
            ),
            nn.BatchNorm1d(FEATURES),
            nn.Conv1d(FEATURES, FEATURES, 1, bias=False),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(inplace=True),
            nn.Dropout(DROPOUT),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, FEATURES, N) -> the same shape."""
        made: Tensor = self.layers(vectors)
        return vectors + made


class Stream(nn.Module):
    """Pictures of one kind in the order of time: (B, N, C, H, W) -> (B, 2 * FEATURES)."""

    def __init__(self, channels: int, *, shrink: int) -> None:
        super().__init__()
        self.encoder = PictureEncoder(channels, shrink=shrink)
        self.moments = nn.Sequential(*(Moment(dilation=dilation) for dilation in DILATIONS))

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class; the mean and the maximum over time."""
        vectors = self.moments(self.encoder(pictures))
        return torch.cat([vectors.mean(2), vectors.amax(2)], dim=1)


class Compact(SignModel):
    """A stream of frames, a stream of flow, or both, with one classifier or one each."""

    def __init__(
        self,
        shape: Shape,
        *,
        inputs: Literal["rgb", "flow", "rgb+flow"],
        fusion: Literal["feature", "late", "learned"],
    ) -> None:
        super().__init__()
        self.inputs = Inputs(
            rgb="all" if inputs != "flow" else None,
            flow=inputs != "rgb",
        )
        shrink = max(1, shape.image_size // SIDE)
        self.rgb = Stream(3, shrink=shrink) if self.inputs.rgb else None
        self.flow = Stream(2, shrink=shrink) if self.inputs.flow else None
        both = self.rgb is not None and self.flow is not None
        self.apart = both and fusion != "feature"
        self.learned_fusion = both and fusion == "learned"
        self.streams = 2 if self.apart else 1
        joined = 2 * FEATURES * (2 if both and not self.apart else 1)
        self.classifiers = nn.ModuleList(
            nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(joined, shape.classes))
            for _ in range(self.streams)
        )

    def forward(self, rgb: Tensor | None = None, flow: Tensor | None = None) -> Tensor:
        """Logits (B, streams, classes); see `SignModel`. Any number of frames will do."""
        seen = []
        if self.rgb is not None:
            assert rgb is not None
            frames = _spread(rgb, FRAMES_SEEN).movedim(-1, 2).float().sub(128).mul(_RGB_SCALE)
            seen.append(self._sometimes(self.rgb(frames)))
        if self.flow is not None:
            assert flow is not None
            seen.append(self.flow(flow.movedim(-1, 2).float().sub(128).mul(_FLOW_SCALE)))
        joined = seen if self.apart else [torch.cat(seen, dim=1)]
        return torch.stack(
            [
                classify(features)
                for classify, features in zip(self.classifiers, joined, strict=True)
            ],
            dim=1,
        )

    def _sometimes(self, features: Tensor) -> Tensor:
        """All features of a clip, or none: in training, and where flow can stand in for them."""
        if self.flow is None or self.apart:
            return features
        kept = functional.dropout(features.new_ones(len(features), 1), RGB_DROPOUT, self.training)
        return features * kept


def _spread(frames: Tensor, count: int) -> Tensor:
    """The middles of `count` equal parts of a clip's frames (B, T, ...); all, where T is less."""
    total = frames.shape[1]
    if total <= count:
        return frames
    return frames[:, [(2 * part + 1) * total // (2 * count) for part in range(count)]]


@register_model
def compact(
    shape: Shape,
    *,
    inputs: Literal["rgb", "flow", "rgb+flow"] = "rgb+flow",
    fusion: Literal["feature", "late", "learned"] = "feature",
) -> SignModel:
    """The default: 0.2 M weights, a clip of 16 frames at 112 pixels in some 10 ms of one core."""
    return Compact(shape, inputs=inputs, fusion=fusion)
