"""A recurrent net over what an image net sees in each frame.

Source: the gated recurrent unit of Cho et al., "Learning Phrase Representations using RNN
Encoder-Decoder", EMNLP 2014; over frames: Donahue et al., "Long-term Recurrent Convolutional
Networks for Visual Recognition and Description", CVPR 2015.
"""

import torch
from torch import Tensor, nn

from signflow.models.contract import Fusion, InputsChoice, Shape, SignModel
from signflow.models.frame_encoder import FrameEncoder
from signflow.models.registry import register_model
from signflow.models.streams import StreamShape
from signflow.models.two_stream import TwoStream

WIDTH = 256


class BothEnds(nn.Module):
    """A GRU in both directions; what each knows when it has seen all."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.gru = nn.GRU(features, WIDTH, batch_first=True, bidirectional=True)

    def forward(self, features: Tensor) -> Tensor:
        """(B, steps, features) -> (B, 2 * 256)."""
        _, last = self.gru(features)
        return torch.cat([last[0], last[1]], dim=1)


class RecurrentEncoder(FrameEncoder):
    """An image net over all steps, then the GRU."""

    def __init__(self, encoder: str, stream: StreamShape, *, pretrained: bool) -> None:
        super().__init__(encoder, stream, pretrained=pretrained)
        self.head = BothEnds(self.image_net.features)
        self.features = 2 * WIDTH


@register_model
def frame_gru(
    shape: Shape,
    *,
    encoder: str = "resnet18",
    inputs: InputsChoice = "rgb",
    fusion: Fusion | None = None,
    pretrained: bool = False,
) -> SignModel:
    """An image net over all frames and a GRU in both directions."""
    return TwoStream(
        shape,
        lambda stream: RecurrentEncoder(encoder, stream, pretrained=pretrained),
        inputs=inputs,
        fusion=fusion,
    )
