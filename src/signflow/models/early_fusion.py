"""Early fusion: the report's net that joins both streams before the classifier."""

import torch
from torch import Tensor, nn

from signflow.models.contract import Inputs, Shape, SignModel, flow_channels, rgb_channels
from signflow.models.conv_stack import classifier, conv_features, conv_stack, flow_channel_count
from signflow.models.registry import register_model


class EarlyFusion(SignModel):
    """A conv stack for the middle frame, one for the flow, one classifier over both."""

    inputs = Inputs(rgb="middle", flow=True)

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.rgb_features: nn.Sequential = conv_stack(3)
        self.flow_features: nn.Sequential = conv_stack(flow_channel_count(shape))
        self.classifier: nn.Sequential = classifier(
            2 * conv_features(shape.image_size), shape.classes
        )

    def forward(self, rgb: Tensor | None = None, flow: Tensor | None = None) -> Tensor:
        """Logits (B, 1, classes) of both inputs; see `SignModel`."""
        assert rgb is not None
        assert flow is not None
        features = torch.cat(
            [self.rgb_features(rgb_channels(rgb)), self.flow_features(flow_channels(flow))], dim=1
        )
        logits: Tensor = self.classifier(features)
        return logits.unsqueeze(1)


@register_model
def early_fusion(shape: Shape) -> SignModel:
    """The report's Early Fusion net: 401.5 M weights at 224 pixels and 10 classes."""
    return EarlyFusion(shape)
