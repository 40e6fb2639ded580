"""Compact: a small two-stream net for tens of clips and a processor.

Every picture of a clip (a frame, the flow of a pair) goes through the same few depthwise-separable
convolutions; what is left of it is how much there is of each feature, and where. Convolutions over
time then see what follows what. There is no large matrix that could learn the clips by heart.

Sources: depthwise-separable convolutions, Howard et al., "MobileNets", 2017; places of features,
Finn et al., "Deep Spatial Autoencoders for Visuomotor Learning", 2016 (there by softmax);
convolutions over time with growing dilation, Bai, Kolter and Koltun, "An Empirical Evaluation of
Generic Convolutional and Recurrent Networks for Sequence Modeling", 2018.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from signflow.models.contract import Fusion, InputsChoice, Shape, SignModel
from signflow.models.facts import WeightFacts
from signflow.models.registry import register_model
from signflow.models.streams import StreamShape
from signflow.models.two_stream import ClipEncoder, TwoStream

SIDE = 56
"""Pictures are averaged down to about so many pixels a side before the first convolution."""

FRAMES_SEEN = 4
"""Frames of a clip that are looked at: a hand changes its shape slower than its place."""

RGB_DROPOUT = 0.5
"""Share of clips in training whose frames count for nothing, where flow can stand in for them: so
that the net does not lean on the training clips' rooms and clothes."""

WIDTHS = (24, 48, 96)
FEATURES = 128
DILATIONS = (1, 2, 4)
DROPOUT = 0.3

FACTS = WeightFacts(mean=(0.5,) * 3, std=(0.25,) * 3, source="none", licence="MIT")
_FRAMES = (0, 1, 2)


class Separable(nn.Module):
    """A depthwise 3x3 convolution and a pointwise one."""

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

    def __init__(self, channels: int, *, image_size: int) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.shrink = max(1, image_size // SIDE)
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
            nn.Conv1d(3 * third, FEATURES, 1, bias=False),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(inplace=True),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        clips, count = pictures.shape[:2]
        small = functional.avg_pool2d(pictures.flatten(0, 1), self.shrink)
        pooled = amounts_and_places(self.body(self.stem(small)))
        vectors: Tensor = self.widen(pooled.view(clips, count, -1).transpose(1, 2))
        return vectors


def amounts_and_places(maps: Tensor) -> Tensor:
    """The mean of each map, then x and y of its centre of mass; the edges are at -1 and 1.

    Args:
        maps: (N, C, H, W), nowhere below 0. The centre of one that is 0 everywhere is 0.

    Returns:
        (N, 3 C).

    Example:
        >>> amounts_and_places(torch.tensor([[[[0.0, 4.0], [0.0, 4.0]]]])).round(decimals=2)
        tensor([[2.0000, 0.5000, 0.0000]])
    """
    amounts = maps.mean((2, 3))
    places = []
    for along in (maps.mean(2), maps.mean(3)):
        length = along.shape[2]
        centres = (2 * torch.arange(length, device=maps.device) + 1) / length - 1
        # So little is added that only maps of next to nothing lose their place.
        places.append((centres * along).mean(2) / (amounts + 1e-4))
    return torch.cat([amounts, *places], dim=1)


class Moment(nn.Module):
    """A depthwise-separable convolution over time, dilated, with a way around it."""

    def __init__(self, *, dilation: int) -> None:
        super().__init__()
        padding = 2 * dilation
        self.layers = nn.Sequential(
            nn.Conv1d(
                FEATURES, FEATURES, 5, 1, padding, dilation=dilation, groups=FEATURES, bias=False
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


class CompactEncoder(ClipEncoder):
    """Pictures of one kind in the order of time; the mean and the maximum over time."""

    features = 2 * FEATURES
    facts = FACTS

    def __init__(self, stream: StreamShape, *, left_out: float) -> None:
        """Make it.

        Args:
            stream: what it looks at.
            left_out: share of clips in training whose features are all 0.
        """
        super().__init__()
        self.sparse = stream.sources == _FRAMES
        self.left_out = left_out
        self.pictures = PictureEncoder(len(stream.sources), image_size=stream.image_size)
        self.moments = nn.Sequential(*(Moment(dilation=dilation) for dilation in DILATIONS))

    def forward(self, stream: Tensor) -> Tensor:
        """(B, channels, steps, H, W) -> (B, features), any number of steps."""
        seen = spread(stream, FRAMES_SEEN) if self.sparse else stream
        vectors = self.moments(self.pictures(seen.transpose(1, 2)))
        features = torch.cat([vectors.mean(2), vectors.amax(2)], dim=1)
        if not (self.left_out and self.training):
            return features
        kept = functional.dropout(features.new_ones(len(features), 1), self.left_out)
        return features * kept


def spread(frames: Tensor, count: int) -> Tensor:
    """The middles of `count` equal parts of a clip's frames (B, C, T, ...); all, if they are less.

    Example:
        >>> spread(torch.arange(16)[None, None], 4)
        tensor([[[ 2,  6, 10, 14]]])
    """
    total = frames.shape[2]
    if total <= count:
        return frames
    return frames[:, :, [(2 * part + 1) * total // (2 * count) for part in range(count)]]


@register_model
def compact(
    shape: Shape, *, inputs: InputsChoice = "rgb+flow", fusion: Fusion | None = None
) -> SignModel:
    """A small net for tens of clips: 0.2 M weights; two streams meet in their features."""
    if fusion is None and "+" in inputs:
        fusion = "feature"

    def encoder(stream: StreamShape) -> CompactEncoder:
        replaceable = fusion == "feature" and stream.sources == _FRAMES
        return CompactEncoder(stream, left_out=RGB_DROPOUT if replaceable else 0.0)

    return TwoStream(shape, encoder, inputs=inputs, fusion=fusion)
