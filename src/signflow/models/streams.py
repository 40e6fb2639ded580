"""From a store's bytes to what an encoder sees: frames, flow, difference of frames.

All are (B, channels, steps, H, W), on the scale that the encoder's weights were learnt with.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from signflow.models.contract import InputsChoice
from signflow.models.facts import WeightFacts

Stream = Literal["rgb", "flow", "difference"]

# For each channel which of red, green and blue it is; None: none of them (see `adapt`). A
# difference of frames is no picture: like flow, it begins with the mean of the three.
_SOURCES: dict[Stream, tuple[int | None, ...]] = {
    "rgb": (0, 1, 2),
    "flow": (None, None),
    "difference": (None, None, None),
}


@dataclass(frozen=True, kw_only=True)
class StreamShape:
    """What an encoder is made for.

    Attributes:
        sources: for each channel which of red, green and blue it is; None: none of them.
        steps: of time.
        image_size: height and width in pixels.
    """

    sources: tuple[int | None, ...]
    steps: int
    image_size: int


def streams_of(inputs: InputsChoice) -> tuple[Stream, ...]:
    """The streams that inputs name: "rgb+flow" are two."""
    return tuple(inputs.split("+"))  # type: ignore[arg-type]


def stream_shape(streams: tuple[Stream, ...], *, frames: int, image_size: int) -> StreamShape:
    """What `join` makes of clips.

    Args:
        streams: one, or several that are joined.
        frames: kept frames per clip, T.
        image_size: their height and width in pixels.
    """
    return StreamShape(
        sources=tuple(source for stream in streams for source in _SOURCES[stream]),
        steps=frames if streams == ("rgb",) else frames - 1,
        image_size=image_size,
    )


def join(
    streams: tuple[Stream, ...], rgb: Tensor | None, flow: Tensor | None, *, facts: WeightFacts
) -> Tensor:
    """One stream, or the channels of several.

    Flow and difference lie between frames: joined with them, each frame but the last stands beside
    the motion that follows it.

    Args:
        streams: which.
        rgb: bytes (B, T, H, W, 3), or floats on their scale.
        flow: bytes (B, T-1, H, W, 2), likewise; 128 is no motion.
        facts: of the encoder's weights.

    Returns:
        float32 (B, channels, T or T-1, H, W).
    """
    made = [_stream(stream, rgb, flow, facts) for stream in streams]
    steps = min(each.shape[2] for each in made)
    return torch.cat([each[:, :, :steps] for each in made], dim=1)


def _stream(stream: Stream, rgb: Tensor | None, flow: Tensor | None, facts: WeightFacts) -> Tensor:
    if stream == "flow":
        assert flow is not None
        return scaled_flow(flow, facts=facts)
    assert rgb is not None
    if stream == "difference":
        return frame_difference(rgb, facts=facts)
    return scaled_frames(rgb, facts=facts)


def scaled_frames(rgb: Tensor, *, facts: WeightFacts) -> Tensor:
    """Frames less the mean, over the standard deviation: (B, T, H, W, 3) -> (B, 3, T, H, W)."""
    # Channel by channel, since numbers need no tensors that would have to follow to the device.
    return torch.stack(
        [
            rgb[..., channel].float().div(255).sub(mean).div(std)
            for channel, (mean, std) in enumerate(zip(facts.mean, facts.std, strict=True))
        ],
        dim=1,
    )


def frame_difference(rgb: Tensor, *, facts: WeightFacts) -> Tensor:
    """Each frame less the one before it, the poor man's flow: (B, 3, T-1, H, W).

    Source: Wang et al., "Temporal Segment Networks", ECCV 2016.
    """
    frames = scaled_frames(rgb, facts=facts)
    return frames[:, :, 1:] - frames[:, :, :-1]


def scaled_flow(flow: Tensor, *, facts: WeightFacts) -> Tensor:
    """Flow with no motion at 0, over the colours' mean standard deviation: (B, 2, T-1, H, W).

    That is the scale on which Temporal Segment Networks give flow to weights learnt on colours.
    """
    scale = 255 * sum(facts.std) / 3
    return flow.permute(0, 4, 1, 2, 3).float().sub(128).div(scale)
