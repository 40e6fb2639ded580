"""What a model looks at, in the form in which it is augmented."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from signflow.training.augment.geometry import move_flow, move_frames
from signflow.training.augment.timing import retime_flow, retime_frames
from signflow.training.batches import Batch
from signflow.video.quantise import STEPS, ZERO


@dataclass(frozen=True, kw_only=True, eq=False)
class Streams:
    """Frames and flow of a batch as floats, channels before pixels.

    Attributes:
        frames: float32 (B, N, 3, H, W), bytes; None where the model sees none.
        flow: float32 (B, T-1, 2, H, W), in steps of the bytes, 0 no motion; None likewise.
        pixels_per_step: how many pixels 1 in the flow is.
    """

    frames: Tensor | None
    flow: Tensor | None
    pixels_per_step: float

    @classmethod
    def of(cls, batch: Batch, *, bound: float) -> "Streams":
        """Those of a batch; `bound` is that of its flow, in pixels."""
        return cls(
            frames=None if batch.rgb is None else _channels_first(batch.rgb),
            flow=None if batch.flow is None else _channels_first(batch.flow).sub_(ZERO),
            pixels_per_step=bound / STEPS,
        )

    def onto(self, batch: Batch) -> Batch:
        """The batch with these streams on the scale of the bytes; what is beyond it saturates."""
        frames = None if self.frames is None else self.frames.clamp(0, 255)
        flow = None if self.flow is None else self.flow.clamp(-STEPS, STEPS).add_(ZERO)
        return replace(batch, rgb=_channels_last(frames), flow=_channels_last(flow))

    @property
    def times(self) -> int:
        """How many frames a clip has, those that the model does not see included."""
        frames = 1 if self.frames is None else self.frames.shape[1]
        return frames if self.flow is None else self.flow.shape[1] + 1

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        images = self.flow if self.frames is None else self.frames
        assert images is not None, "no model looks at nothing"
        return images.shape[-2], images.shape[-1]

    def retimed(self, times: Tensor) -> "Streams":
        """At other times, float64 (B, T). A middle frame alone stays: there is no other."""
        frames, flow = self.frames, self.flow
        if frames is not None and frames.shape[1] == self.times:
            frames = retime_frames(frames, times)
        if flow is not None:
            flow = retime_flow(flow, times, pixels_per_step=self.pixels_per_step)
        return replace(self, frames=frames, flow=flow)

    def moved(self, linear: Tensor, shift: Tensor) -> "Streams":
        """At other places; the maps are as `affine_maps` returns them."""
        return replace(
            self,
            frames=None if self.frames is None else move_frames(self.frames, linear, shift),
            flow=None if self.flow is None else move_flow(self.flow, linear, shift),
        )


def _channels_first(images: Tensor) -> Tensor:
    return images.permute(0, 1, 4, 2, 3).to(torch.float32, memory_format=torch.contiguous_format)


def _channels_last(images: Tensor | None) -> Tensor | None:
    return None if images is None else images.permute(0, 1, 3, 4, 2)
