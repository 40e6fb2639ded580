"""Temporal: the report's net that sees motion."""

from torch import Tensor, nn

from signflow.models.contract import Inputs, Shape, SignModel, flow_channels
from signflow.models.conv_stack import classifier, conv_features, conv_stack, flow_channel_count
from signflow.models.registry import register_model


class Temporal(SignModel):
    """The optical flow between all kept frames as channels, a conv stack, a classifier."""

    inputs = Inputs(rgb=None, flow=True)

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.features: nn.Sequential = conv_stack(flow_channel_count(shape))
        self.classifier: nn.Sequential = classifier(conv_features(shape.image_size), shape.classes)

    def forward(self, rgb: Tensor | None = None, flow: Tensor | None = None) -> Tensor:
        """Logits (B, 1, classes) of `flow` (B, T-1, H, W, 2); see `SignModel`."""
        assert flow is not None
        logits: Tensor = self.classifier(self.features(flow_channels(flow)))
        return logits.unsqueeze(1)


@register_model
def temporal(shape: Shape) -> SignModel:
    """The report's Temporal net: 18 channels for ten frames."""
    return Temporal(shape)
