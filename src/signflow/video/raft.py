"""Optical flow by a net."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from signflow.errors import UserError
from signflow.video.flow import check_whole, register_flow

if TYPE_CHECKING:
    from torch import Tensor

RaftVariant = Literal["large", "small"]

_SMALLEST = 121
"""Pixels of the shorter side: padded to a multiple of 8 it is 128, the least that RAFT takes."""


@register_flow("raft")
@dataclass(frozen=True)
class Raft:
    """Recurrent all-pairs field transforms (Teed and Deng 2020), as in torchvision, on colours.

    The weights are torchvision's `C_T_SKHT_V2` (large; trained on Chairs, Things, Sintel, KITTI and
    HD1K) or `C_T_V2` (small; Chairs and Things). They are downloaded once, to where torch.hub keeps
    such files. On a processor one thread computes, so that the same machine gives the same flow.

    Attributes:
        variant: large (5.3 million weights) or small (1.0 million).
        iterations: refinements of the flow, from 1.
    """

    name: ClassVar[str]

    variant: RaftVariant = "large"
    iterations: int = 12

    def __post_init__(self) -> None:
        if self.variant not in get_args(RaftVariant):
            allowed = ", ".join(get_args(RaftVariant))
            raise ValueError(f"variant is {self.variant!r}, but must be one of: {allowed}")
        check_whole("iterations", self.iterations, least=1)

    def prepare(self, *, height: int, width: int) -> None:
        """See `PreparedFlow.prepare`."""
        from signflow.video.raft_torch import raft_net

        if min(height, width) < _SMALLEST:
            raise UserError(f"flow method 'raft': {_too_small(height, width)}")
        raft_net(self.variant, device="cpu")

    def between(
        self, previous_grey: NDArray[np.uint8], next_grey: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """See `FlowMethod.between`."""
        greys = np.stack([previous_grey, next_grey])
        flow: NDArray[np.float32] = self.between_colours(np.stack([greys] * 3, axis=-1))[0]
        return flow

    def between_colours(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `ColourFlow.between_colours`."""
        import torch

        from signflow.video.raft_torch import one_thread

        with one_thread():
            return self.on_device(torch.from_numpy(np.array(frames))[None])[0].numpy()

    def on_device(self, frames: "Tensor") -> "Tensor":
        """See `DeviceFlow.on_device`."""
        from signflow.video.raft_torch import raft_flow

        height, width = frames.shape[2:4]
        if min(height, width) < _SMALLEST:
            raise ValueError(_too_small(height, width))
        return raft_flow(frames, variant=self.variant, iterations=self.iterations)


def _too_small(height: int, width: int) -> str:
    return f"frames are {height} x {width}, but must have {_SMALLEST} pixels or more a side"
