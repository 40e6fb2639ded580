"""MViT: a transformer over space and time that pools as it goes deeper.

Source: Li et al., "MViTv2: Improved Multiscale Vision Transformers for Classification and
Detection", CVPR 2022.
"""

from torch import nn

from signflow.models.contract import Fusion, InputsChoice, Shape, SignModel
from signflow.models.facts import TORCHVISION_LICENCE, WeightFacts
from signflow.models.registry import register_model
from signflow.models.streams import StreamShape
from signflow.models.two_stream import TwoStream
from signflow.models.video_nets import VideoEncoder, round_up, torchvision_net

FACTS = WeightFacts(
    mean=(0.45, 0.45, 0.45),
    std=(0.225, 0.225, 0.225),
    source="torchvision, Kinetics-400",
    licence=TORCHVISION_LICENCE,
)


def clip_encoder(stream: StreamShape, *, pretrained: bool) -> VideoEncoder:
    """Any number of steps and any size of frames, where torchvision's own takes 16 of 224 pixels.

    Its positions are relative and interpolated to the clip's size. An odd last step is repeated,
    and frames are enlarged to the next multiple of 32 pixels.
    """
    net = torchvision_net("mvit_v2_s", sources=stream.sources, pretrained=pretrained)
    features = net.head[1].in_features
    net.head = nn.Identity()
    steps, size = round_up(stream.steps, 2), round_up(stream.image_size, 32)
    of_time, of_size, _ = net.conv_proj.stride
    net.pos_encoding.temporal_size = steps // of_time
    net.pos_encoding.spatial_size = (size // of_size, size // of_size)
    return VideoEncoder(net, features=features, facts=FACTS, steps=steps, size=size)


@register_model
def mvit_v2_s(
    shape: Shape,
    *,
    inputs: InputsChoice = "rgb",
    fusion: Fusion | None = None,
    pretrained: bool = False,
) -> SignModel:
    """Multiscale vision transformer, version 2, small."""
    return TwoStream(
        shape,
        lambda stream: clip_encoder(stream, pretrained=pretrained),
        inputs=inputs,
        fusion=fusion,
    )
