"""Video nets of torchvision as encoders of whole clips."""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from signflow.models.adapt import adapt_first_conv
from signflow.models.facts import WeightFacts
from signflow.models.pretrained import load_torchvision_weights
from signflow.models.two_stream import ClipEncoder


class VideoEncoder(ClipEncoder):
    """A video net without its classifier, given clips of the size that it takes.

    Args:
        net: maps (B, channels, steps, size, size) to (B, features).
        features: how many.
        facts: of its weights.
        steps: of time that it takes.
        size: height and width in pixels that it takes.
    """

    def __init__(
        self, net: nn.Module, *, features: int, facts: WeightFacts, steps: int, size: int
    ) -> None:
        super().__init__()
        self.net = net
        self.features = features
        self.facts = facts
        self._steps = steps
        self._size = size

    def forward(self, clips: Tensor) -> Tensor:
        """Features (B, features) of a stream (B, channels, steps, H, W)."""
        features: Tensor = self.net(fit_clips(clips, steps=self._steps, size=self._size))
        return features


def fit_clips(clips: Tensor, *, steps: int, size: int) -> Tensor:
    """Clips with other numbers of steps and pixels, on their device.

    Steps are repeated, or left out, evenly (a difference between frames or a flow would no longer
    be one if it were blended); pixels are interpolated.

        steps = 5 to 8: aabbcdde

    Args:
        clips: (B, channels, steps, H, W).
        steps: wanted.
        size: height and width wanted.
    """
    given = clips.shape[2]
    if given != steps:
        clips = clips[:, :, [step * given // steps for step in range(steps)]]
    if clips.shape[-2:] == (size, size):
        return clips
    images = functional.interpolate(
        clips.transpose(1, 2).flatten(0, 1), size=(size, size), mode="bilinear", antialias=True
    )
    return images.reshape(-1, steps, *images.shape[1:]).transpose(1, 2)


def round_up(number: int, multiple: int) -> int:
    """The least multiple that is not below a number."""
    return -(-number // multiple) * multiple


def torchvision_net(name: str, *, sources: tuple[int | None, ...], pretrained: bool) -> Any:
    """A video net of torchvision for channels of its own, with its classifier.

    Args:
        name: torchvision's.
        sources: its channels; see `adapt_first_conv`.
        pretrained: begin with torchvision's default weights.

    Raises:
        UserError: the weights cannot be had (exit status 1).
    """
    import torchvision

    net: Any = torchvision.models.get_model(name, weights=None)
    if pretrained:
        weights = torchvision.models.get_model_weights(name).DEFAULT
        load_torchvision_weights(net, name, weights)
    adapt_first_conv(net, sources, pretrained=pretrained)
    return net
