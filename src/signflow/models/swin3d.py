"""Video Swin: a transformer over space and time with attention in shifted windows.

Source: Liu et al., "Video Swin Transformer", CVPR 2022.
"""

from torch import nn

from signflow.models.contract import Fusion, InputsChoice, Shape, SignModel
from signflow.models.facts import TORCHVISION_LICENCE, WeightFacts
from signflow.models.registry import register_model
from signflow.models.streams import StreamShape
from signflow.models.two_stream import TwoStream
from signflow.models.video_nets import VideoEncoder, torchvision_net

FACTS = WeightFacts(
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    source="torchvision, Kinetics-400",
    licence=TORCHVISION_LICENCE,
)


def clip_encoder(stream: StreamShape, *, pretrained: bool) -> VideoEncoder:
    """Any number of steps and any size of frames: the net pads what its windows do not divide."""
    net = torchvision_net("swin3d_t", sources=stream.sources, pretrained=pretrained)
    features = net.head.in_features
    net.head = nn.Identity()
    return VideoEncoder(
        net, features=features, facts=FACTS, steps=stream.steps, size=stream.image_size
    )


@register_model
def swin3d_t(
    shape: Shape,
    *,
    inputs: InputsChoice = "rgb",
    fusion: Fusion | None = None,
    pretrained: bool = False,
) -> SignModel:
    """Video Swin transformer, tiny."""
    return TwoStream(
        shape,
        lambda stream: clip_encoder(stream, pretrained=pretrained),
        inputs=inputs,
        fusion=fusion,
    )
