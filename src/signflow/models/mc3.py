"""MC3: a residual net whose first layers see motion (3D) and whose later ones see pictures (2D).

Source: Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition", CVPR
2018.
"""

from torch import nn

from signflow.models.contract import Fusion, InputsChoice, Shape, SignModel
from signflow.models.facts import TORCHVISION_LICENCE, WeightFacts
from signflow.models.registry import register_model
from signflow.models.streams import StreamShape
from signflow.models.two_stream import TwoStream
from signflow.models.video_nets import VideoEncoder, torchvision_net

FACTS = WeightFacts(
    mean=(0.43216, 0.394666, 0.37645),
    std=(0.22803, 0.22145, 0.216989),
    source="torchvision, Kinetics-400",
    licence=TORCHVISION_LICENCE,
)


def clip_encoder(stream: StreamShape, *, pretrained: bool) -> VideoEncoder:
    """Any number of steps and any size of frames."""
    net = torchvision_net("mc3_18", sources=stream.sources, pretrained=pretrained)
    features = net.fc.in_features
    net.fc = nn.Identity()
    return VideoEncoder(
        net, features=features, facts=FACTS, steps=stream.steps, size=stream.image_size
    )


@register_model
def mc3_18(
    shape: Shape,
    *,
    inputs: InputsChoice = "rgb",
    fusion: Fusion | None = None,
    pretrained: bool = False,
) -> SignModel:
    """Mixed convolutions (MC3) with 18 layers."""
    return TwoStream(
        shape,
        lambda stream: clip_encoder(stream, pretrained=pretrained),
        inputs=inputs,
        fusion=fusion,
    )
