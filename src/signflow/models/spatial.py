"""Spatial: the report's net that sees one frame."""

from torch import Tensor, nn

from signflow.models.contract import Inputs, Shape, SignModel, rgb_channels
from signflow.models.conv_stack import classifier, conv_features, conv_stack
from signflow.models.registry import register_model


class Spatial(SignModel):
    """The clip's middle frame, a conv stack, a classifier."""

    inputs = Inputs(rgb="middle", flow=False)

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.features: nn.Sequential = conv_stack(3)
        self.classifier: nn.Sequential = classifier(conv_features(shape.image_size), shape.classes)

    def forward(self, rgb: Tensor | None = None, flow: Tensor | None = None) -> Tensor:
        """Logits (B, 1, classes) of `rgb` (B, 1, H, W, 3); see `SignModel`."""
        assert rgb is not None
        logits: Tensor = self.classifier(self.features(rgb_channels(rgb)))
        return logits.unsqueeze(1)


@register_model
def spatial(shape: Shape) -> SignModel:
    """The report's Spatial net: 200.8 M weights at 224 pixels and 10 classes."""
    return Spatial(shape)
