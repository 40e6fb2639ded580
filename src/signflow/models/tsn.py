"""Temporal segment networks: segments of a clip, seen apart, vote together.

Source: Wang et al., "Temporal Segment Networks: Towards Good Practices for Deep Action
Recognition", ECCV 2016.
"""

from dataclasses import replace

import torch
from torch import Tensor

from signflow.models.contract import Fusion, InputsChoice, Shape, SignModel
from signflow.models.frame_encoder import FrameEncoder
from signflow.models.registry import register_model
from signflow.models.streams import StreamShape
from signflow.models.two_stream import TwoStream

SEGMENTS = 3


class SegmentEncoder(FrameEncoder):
    """Segments of a stream, each with its steps stacked as channels, and the mean of what is seen.

    Of frames every one is a segment. Flow and difference are cut into three, and each segment's
    neighbouring steps are stacked: 9 pairs are 3 stacks of 3. Where the steps cannot be divided by
    three, neighbouring stacks share some.
    """

    def __init__(self, encoder: str, stream: StreamShape, *, pretrained: bool) -> None:
        self_contained = all(source is not None for source in stream.sources)
        segments = stream.steps if self_contained else min(SEGMENTS, stream.steps)
        length = 1 if self_contained else -(-stream.steps // segments)
        stacked = replace(stream, sources=stream.sources * length, steps=segments)
        super().__init__(encoder, stacked, pretrained=pretrained)
        self._spans = segment_spans(stream.steps, segments=segments, length=length)

    def forward(self, clips: Tensor) -> Tensor:
        """Features (B, features) of a stream (B, channels, steps, H, W)."""
        steps = clips.transpose(1, 2)
        stacks = [steps[:, start:end].flatten(1, 2) for start, end in self._spans]
        return super().forward(torch.stack(stacks, dim=2))


def segment_spans(steps: int, *, segments: int, length: int) -> list[tuple[int, int]]:
    """Where segments of a length begin and end, spread evenly over the steps.

    steps = 7, segments = 3, length = 3:
    xxx....  ..xxx..  ....xxx
    """
    last = steps - length
    starts = [round(last * number / max(segments - 1, 1)) for number in range(segments)]
    return [(start, start + length) for start in starts]


@register_model
def tsn(
    shape: Shape,
    *,
    encoder: str = "resnet18",
    inputs: InputsChoice = "rgb+flow",
    fusion: Fusion | None = None,
    pretrained: bool = False,
) -> SignModel:
    """An image net over segments of the clip, whose votes are averaged."""
    return TwoStream(
        shape,
        lambda stream: SegmentEncoder(encoder, stream, pretrained=pretrained),
        inputs=inputs,
        fusion=fusion,
    )
