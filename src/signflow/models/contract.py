"""The one contract of the models.

A model says what it looks at and maps a batch to logits of shape (batch, streams, classes). Streams
are 1, except where streams are classified apart (late fusion: 2). Training and evaluation need no
special case:

    loss   = sum over streams of cross_entropy(logits[:, s], label)
    scores = weighted mean over streams of softmax(logits[:, s])
"""

from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from signflow.models.facts import WeightFacts


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a model looks at.

    Attributes:
        rgb: "middle": the kept frame in the clip's middle; "all": every kept frame; None: no frame.
        flow: whether it sees the optical flow between the kept frames.
    """

    rgb: Literal["middle", "all"] | None
    flow: bool


InputsChoice = Literal["rgb", "flow", "rgb+flow", "difference", "rgb+difference"]
"""What a model with a choice looks at; difference is that between neighbouring frames."""

Fusion = Literal["early", "feature", "late", "learned"]
"""Where streams meet: before the encoder, before the classifier, in the scores; or in the scores,
weighted as validation says."""


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Choices within a model. None leaves one to the model; not every model has every choice.

    Attributes:
        encoder: name of the library net that a model is built around.
        inputs: what it looks at.
        fusion: where its streams meet.
    """

    encoder: str | None = None
    inputs: InputsChoice | None = None
    fusion: Fusion | None = None

    def given(self) -> dict[str, str]:
        """The choices that were made, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The sizes a model is made for; a store's recipe and classes give them.

    Attributes:
        classes: number of signs.
        frames: kept frames per clip, T.
        image_size: their height and width in pixels.
    """

    classes: int
    frames: int = 10
    image_size: int = 224


class SignModel(nn.Module):
    """What all models are.

    `forward(rgb, flow)` takes a store's bytes, uint8 or, augmented, float32 on the same scale, and
    returns logits (B, streams, classes):

    - `rgb`: (B, N, H, W, 3), N = 1 for the middle frame, T for all; None: `inputs.rgb` is None.
    - `flow`: (B, T-1, H, W, 2), 128 is no motion; None where `inputs.flow` is False.

    Bytes become floats inside the model, on its device. `learned_fusion` says that the streams'
    scores are weighted as validation says, not alike; `weight_facts` what is known of the weights
    that it can begin with (`pretrained`), None where there are none.
    """

    inputs: Inputs
    streams: int = 1
    learned_fusion: bool = False
    weight_facts: WeightFacts | None = None

    def forward(self, rgb: Tensor | None = None, flow: Tensor | None = None) -> Tensor:
        """Map a batch to logits of shape (batch, streams, classes)."""
        raise NotImplementedError


def joint_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Sum over streams of the mean cross entropy.

    Args:
        logits: (B, S, C).
        labels: int64 (B,), or shares of the classes (B, C), each row summing to 1 (mixed clips).
        class_weights: (C,), above 0: how much a clip of each class counts; the mean is divided by
            the sum of the clips' weights. None: all alike.
        label_smoothing: share of each label that is spread evenly over all classes.

    Returns:
        A scalar.
    """
    per_stream = [
        functional.cross_entropy(
            stream, labels, weight=class_weights, label_smoothing=label_smoothing
        )
        for stream in logits.unbind(1)
    ]
    loss = torch.stack(per_stream).sum()
    if class_weights is not None and labels.ndim == 2:
        # Of shares, PyTorch divides by the number of clips instead of their weights.
        loss = loss * len(labels) / (labels @ class_weights).sum()
    return loss


def scores(logits: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """Mean over streams of the softmaxes.

    Its arg max is the report's late fusion, the arg max of the sum of the two softmaxes.

    Args:
        logits: (B, S, C).
        weights: (S,), not negative, summing to 1; None weighs all streams alike.

    Returns:
        (B, C), each row summing to 1.
    """
    probabilities = logits.softmax(dim=2)
    if weights is None:
        return probabilities.mean(dim=1)
    return torch.einsum("bsc,s->bc", probabilities, weights)


def rgb_channels(rgb: Tensor) -> Tensor:
    """Frames as channels from -1 to 1: bytes (B, N, H, W, 3) -> float32 (B, N * 3, H, W)."""
    return _stacked(rgb).float().div(127.5).sub(1)


def flow_channels(flow: Tensor) -> Tensor:
    """Flow as channels: bytes (B, P, H, W, 2) -> float32 (B, P * 2, H, W).

    The order is x, y of the first pair, x, y of the second, and so on; no motion is 0 and the
    recipe's bound is 1.
    """
    return _stacked(flow).float().sub(128).div(127)


def _stacked(images: Tensor) -> Tensor:
    # A single frame's channels would still be neighbours in memory, and have the convolutions
    # compute so, too: that is for whoever lays out the weights to choose.
    return images.permute(0, 1, 4, 2, 3).flatten(1, 2).contiguous()
