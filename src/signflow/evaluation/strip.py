"""What to draw of a sample: a few frames, and the motion between them as colour."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signflow.store import Sample
from signflow.video import dequantise_flow, flow_to_colour

MOST_FRAMES = 10
"""Frames of a clip that still can be told apart side by side."""

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Strip:
    """Frames of a clip and the flow between them, ready to be shown.

    Attributes:
        frames: uint8 RGB of shape (shown, H, W, 3).
        flow: uint8 RGB of shape (shown - 1, H, W, 3), motion as colour: hue is direction,
            saturation is speed, white is no motion.
        numbers: which of the sample's frames these are, from 1.
        full_colour: the speed that is drawn in full colour, in pixels from one stored frame to the
            next. It is the same for all images of a strip, so that they can be compared.
    """

    frames: Images
    flow: Images
    numbers: tuple[int, ...]
    full_colour: float

    @property
    def is_whole(self) -> bool:
        """Whether every frame of the sample is shown."""
        return self.numbers == tuple(range(1, len(self.numbers) + 1))


def clip_strip(sample: Sample, *, flow_bound: float, most: int = MOST_FRAMES) -> Strip:
    """Return what to draw of a sample.

    Of a sample with more than `most` frames, `most` are shown, spread evenly from the first to the
    one before the last; the flow below a frame is then that to the next stored frame, not to the
    next one shown.

    Args:
        sample: the clip's arrays.
        flow_bound: the motion that 128 +- 127 stands for, in pixels.
        most: the most frames to show, 2 or more.
    """
    stored = len(sample.frames)
    if stored <= most:
        shown = np.arange(stored)
    else:
        shown = np.linspace(0, stored - 2, most).round().astype(np.int64)
    flow = dequantise_flow(sample.flow[shown[:-1]], bound=flow_bound)
    full_colour = _full_colour(flow)
    return Strip(
        frames=sample.frames[shown],
        flow=flow_to_colour(flow, max_motion=full_colour),
        numbers=tuple((shown + 1).tolist()),
        full_colour=full_colour,
    )


def colour_wheel(side: int) -> Images:
    """Return the legend of the flow colours: uint8 RGB of shape (side, side, 3).

    Each point has the colour of motion from the centre towards it; full colour at the rim. Outside
    the rim it is white.
    """
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    motion = np.stack(np.meshgrid(axis, axis), axis=-1)
    wheel: Images = flow_to_colour(motion, max_motion=1.0)
    wheel[np.linalg.norm(motion, axis=-1) > 1] = 255
    return wheel


def _full_colour(flow: npt.NDArray[np.float32]) -> float:
    """Return the speed to draw in full colour: what all but the fastest 1 % stay below.

    At least one pixel, so that the noise of a still picture stays pale.
    """
    if flow.size == 0:
        return 1.0
    speed = np.linalg.norm(flow, axis=-1)
    return max(1.0, float(np.quantile(speed, 0.99)))
