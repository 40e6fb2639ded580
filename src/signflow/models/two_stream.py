"""Two-stream = encoder x inputs x fusion: the frame around every encoder from a library.

Source: Simonyan and Zisserman, "Two-Stream Convolutional Networks for Action Recognition in
Videos", NeurIPS 2014; where streams meet: Feichtenhofer et al., "Convolutional Two-Stream Network
Fusion for Video Action Recognition", CVPR 2016.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from signflow.models.contract import Fusion, Inputs, InputsChoice, Shape, SignModel
from signflow.models.facts import WeightFacts
from signflow.models.streams import StreamShape, join, stream_shape, streams_of

DROPOUT = 0.5


class ClipEncoder(nn.Module):
    """What an encoder is: `forward` maps a stream (B, channels, steps, H, W) to (B, features)."""

    features: int
    facts: WeightFacts


MakeEncoder = Callable[[StreamShape], ClipEncoder]


class TwoStream(SignModel):
    """One encoder per stream, or one for both (early), and a linear classifier each, or for all.

    Dropout 0.5 stands before every classifier.
    """

    def __init__(
        self,
        shape: Shape,
        make_encoder: MakeEncoder,
        *,
        inputs: InputsChoice,
        fusion: Fusion | None,
    ) -> None:
        """Make it.

        Args:
            shape: what it is made for.
            make_encoder: called for every encoder that is needed.
            inputs: one stream or two.
            fusion: where two streams meet; None: late.

        Raises:
            ValueError: a fusion of one stream is asked for, or an encoder cannot be made.
        """
        super().__init__()
        streams = streams_of(inputs)
        if fusion is not None and len(streams) == 1:
            raise ValueError(
                f"inputs {inputs} are one stream, and fusion {fusion} needs two: choose the inputs"
                " rgb+flow or rgb+difference, or no fusion"
            )
        together = len(streams) == 1 or fusion == "early"
        self.inputs = Inputs(rgb=None if inputs == "flow" else "all", flow="flow" in streams)
        self._parts = [streams] if together else [(stream,) for stream in streams]
        encoders = [
            make_encoder(stream_shape(part, frames=shape.frames, image_size=shape.image_size))
            for part in self._parts
        ]
        self.encoders = nn.ModuleList(encoders)
        self._facts = [encoder.facts for encoder in encoders]
        widths = [encoder.features for encoder in encoders]
        self._feature_fusion = fusion == "feature"
        if self._feature_fusion:
            widths = [sum(widths)]
        self.classifiers = nn.ModuleList(
            nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(width, shape.classes)) for width in widths
        )
        self.streams = len(widths)
        self.learned_fusion = fusion == "learned"
        self.weight_facts = self._facts[0]

    def forward(self, rgb: Tensor | None = None, flow: Tensor | None = None) -> Tensor:
        """Logits (B, streams, classes); see `SignModel`."""
        features = [
            encoder(join(part, rgb, flow, facts=facts))
            for part, encoder, facts in zip(self._parts, self.encoders, self._facts, strict=True)
        ]
        if self._feature_fusion:
            features = [torch.cat(features, dim=1)]
        logits = [classify(each) for classify, each in zip(self.classifiers, features, strict=True)]
        return torch.stack(logits, dim=1)
