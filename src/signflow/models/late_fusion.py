"""Late fusion: the report's two nets that are joined only in their answers."""

import torch
from torch import Tensor

from signflow.models.contract import Inputs, Shape, SignModel
from signflow.models.registry import register_model
from signflow.models.spatial import Spatial
from signflow.models.temporal import Temporal


class LateFusion(SignModel):
    """A Spatial net and a Temporal net side by side, classified apart.

    The report steps each with its own Adam on the one joint loss. No weight is shared and the loss
    is a sum, so each net's gradient is that of its own cross entropy, and since Adam works weight
    by weight, one Adam over both is the same arithmetic.
    """

    inputs = Inputs(rgb="middle", flow=True)
    streams = 2

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.spatial = Spatial(shape)
        self.temporal = Temporal(shape)

    def forward(self, rgb: Tensor | None = None, flow: Tensor | None = None) -> Tensor:
        """Logits (B, 2, classes): of the frame, then of the flow; see `SignModel`."""
        return torch.cat([self.spatial(rgb=rgb), self.temporal(flow=flow)], dim=1)


@register_model
def late_fusion(shape: Shape) -> SignModel:
    """The report's Late Fusion nets: 401.5 M weights at 224 pixels and 10 classes."""
    return LateFusion(shape)
