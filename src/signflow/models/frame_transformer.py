"""A light transformer over what an image net sees in each frame.

Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017; over frames: Neimark et al.,
"Video Transformer Network", ICCV workshops 2021. Norms stand before, not after (Xiong et al., ICML
2020), which needs no warm-up.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from signflow.models.contract import Fusion, InputsChoice, Shape, SignModel
from signflow.models.frame_encoder import FrameEncoder
from signflow.models.registry import register_model
from signflow.models.streams import StreamShape
from signflow.models.two_stream import TwoStream

WIDTH = 256
HEADS = 4
LAYERS = 2
DROPOUT = 0.1


class Layer(nn.Module):
    """Self-attention over time and a two-layer perceptron, each added to what it was given.

    Dropout acts on what they add, not within the fused attention: there its mask could not be that
    of the whole step, and a run would depend on how its steps are cut.
    """

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(WIDTH)
        self.queries_keys_values = nn.Linear(WIDTH, 3 * WIDTH)
        self.attended = nn.Linear(WIDTH, WIDTH)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, steps: Tensor) -> Tensor:
        """(B, steps, 256) -> the same."""
        steps = steps + self.dropout(self.attended(self._attend(self.attention_norm(steps))))
        added: Tensor = steps + self.dropout(self.perceptron(steps))
        return added

    def _attend(self, steps: Tensor) -> Tensor:
        heads = self.queries_keys_values(steps).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        queries, keys, values = heads.unbind(0)
        attended = functional.scaled_dot_product_attention(queries, keys, values)
        return attended.transpose(1, 2).flatten(2)


class TemporalTransformer(nn.Module):
    """Two layers of 4 heads and 256 values over time, with learnt positions, then the mean."""

    def __init__(self, features: int, *, steps: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(features, WIDTH)
        self.positions = nn.Parameter(torch.empty(steps, WIDTH))
        nn.init.normal_(self.positions, std=0.02)
        self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, features: Tensor) -> Tensor:
        """(B, steps, features) -> (B, 256)."""
        steps = self.layers(self.narrow(features) + self.positions)
        joined: Tensor = self.norm(steps).mean(dim=1)
        return joined


class AttentiveEncoder(FrameEncoder):
    """An image net over all steps, then the transformer."""

    def __init__(self, encoder: str, stream: StreamShape, *, pretrained: bool) -> None:
        super().__init__(encoder, stream, pretrained=pretrained)
        self.head = TemporalTransformer(self.image_net.features, steps=stream.steps)
        self.features = WIDTH


@register_model
def frame_transformer(
    shape: Shape,
    *,
    encoder: str = "resnet18",
    inputs: InputsChoice = "rgb",
    fusion: Fusion | None = None,
    pretrained: bool = False,
) -> SignModel:
    """An image net over all frames and a light transformer over time."""
    return TwoStream(
        shape,
        lambda stream: AttentiveEncoder(encoder, stream, pretrained=pretrained),
        inputs=inputs,
        fusion=fusion,
    )
