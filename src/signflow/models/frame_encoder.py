"""An image net run over a clip's frames, and a head that makes one vector of what it saw."""

from torch import Tensor, nn

from signflow.models.image_nets import image_net
from signflow.models.streams import StreamShape
from signflow.models.two_stream import ClipEncoder


class FrameEncoder(ClipEncoder):
    """Each step of time goes through the same image net; `head` joins the steps.

    Args:
        encoder: name of the image net; see `find_encoder`.
        stream: what it sees.
        pretrained: begin with the library's weights.
    """

    def __init__(self, encoder: str, stream: StreamShape, *, pretrained: bool) -> None:
        super().__init__()
        self.image_net = image_net(
            encoder,
            sources=stream.sources,
            image_size=stream.image_size,
            pretrained=pretrained,
        )
        self.facts = self.image_net.facts
        self.features = self.image_net.features
        self.head: nn.Module = MeanOverTime()

    def forward(self, clips: Tensor) -> Tensor:
        """Features (B, features) of a stream (B, channels, steps, H, W)."""
        # The steps of a clip lie side by side: what looks along time relies on it, and so does
        # dropout, which counts the rows of a clip.
        images = clips.transpose(1, 2).flatten(0, 1)
        features = self.image_net(images).unflatten(0, (-1, clips.shape[2]))
        joined: Tensor = self.head(features)
        return joined


class MeanOverTime(nn.Module):
    """The mean of (B, steps, features) over the steps.

    A linear classifier of the mean gives the mean of the classifications: the segment consensus.
    """

    def forward(self, features: Tensor) -> Tensor:
        """(B, steps, features) -> (B, features)."""
        return features.mean(dim=1)
