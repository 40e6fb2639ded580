"""S3D: an Inception net whose 3D convolutions are taken apart into space and time.

Source: Xie et al., "Rethinking Spatiotemporal Feature Learning: Speed-Accuracy Trade-offs in Video
Classification", ECCV 2018.
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

LEAST_STEPS = 14
LEAST_SIZE = 32


def clip_encoder(stream: StreamShape, *, pretrained: bool) -> VideoEncoder:
    """At least 14 steps and 32 pixels, which four poolings need; fewer are repeated or enlarged."""
    net = torchvision_net("s3d", sources=stream.sources, pretrained=pretrained)
    features = net.classifier[1].in_channels
    # torchvision's pooling wants 224 pixels; of these it makes the same.
    net.avgpool = nn.AdaptiveAvgPool3d(1)
    net.classifier = nn.Identity()
    return VideoEncoder(
        net,
        features=features,
        facts=FACTS,
        steps=max(stream.steps, LEAST_STEPS),
        size=max(stream.image_size, LEAST_SIZE),
    )


@register_model
def s3d(
    shape: Shape,
    *,
    inputs: InputsChoice = "rgb",
    fusion: Fusion | None = None,
    pretrained: bool = False,
) -> SignModel:
    """Separable Inception over space and time (S3D)."""
    return TwoStream(
        shape,
        lambda stream: clip_encoder(stream, pretrained=pretrained),
        inputs=inputs,
        fusion=fusion,
    )
