"""Which part of a picture is kept, and how it fills the stored one."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from signflow.annotations import Box
from signflow.video.container import OpenVideo

Fit = Literal["squash", "letterbox"]
"""How a picture fills another shape: stretched to it, or whole with black bars beside it."""


@dataclass(frozen=True)
class View:
    """How a displayed picture becomes the stored one: cut, then scaled.

    Attributes:
        size: (height, width) in pixels of the stored picture; None: that of what is cut out.
        box: what to cut out, see `square_window`; None: nothing, all is kept.
        margin: share of the box's longer side that is added on every side, from 0 on.
        fit: how what is cut out fills `size`.
    """

    size: tuple[int, int] | None
    box: Box | None = None
    margin: float = 0.0
    fit: Fit = "squash"

    def inner_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) that a cut-out of `height` x `width` takes up in the stored picture."""
        if self.size is None:
            return height, width
        if self.fit == "squash":
            return self.size
        scale = min(self.size[0] / height, self.size[1] / width)
        return max(1, round(height * scale)), max(1, round(width * scale))

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn a displayed picture, uint8 (H, W, 3), into the stored one."""
        if self.box is not None:
            height, width = picture.shape[:2]
            window = square_window(self.box, height=height, width=width, margin=self.margin)
            picture = picture[window]
        height, width = self.inner_size(*picture.shape[:2])
        if picture.shape[:2] != (height, width):
            shrinks = height <= picture.shape[0] and width <= picture.shape[1]
            way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            picture = cv2.resize(np.ascontiguousarray(picture), (width, height), interpolation=way)
        return self.pad(np.ascontiguousarray(picture))

    def pad(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Put a picture that has its inner size, uint8 (H, W, 3), in the middle of a black one."""
        if self.size is None or picture.shape[:2] == self.size:
            return picture
        height, width = picture.shape[:2]
        top, left = (self.size[0] - height) // 2, (self.size[1] - width) // 2
        whole = np.zeros((*self.size, picture.shape[2]), dtype=np.uint8)
        whole[top : top + height, left : left + width] = picture
        return whole


def view_frame(video: OpenVideo, frame: VideoFrame, view: View) -> NDArray[np.uint8]:
    """Convert a decoded frame to the stored picture, uint8 (H, W, 3), RGB.

    Raises:
        VideoFault: `unreadable`: FFmpeg cannot convert such pictures.
    """
    if view.box is not None:
        return view.apply(video.to_rgb(frame, size=None))
    # Converting to RGB and scaling in one step is faster.
    size = view.inner_size(video.info.height, video.info.width)
    return view.pad(video.to_rgb(frame, size=size))


def square_window(box: Box, *, height: int, width: int, margin: float) -> tuple[slice, slice]:
    """The square around a box: rows and columns of a picture.

    Its side is the box's longer one with a margin on both ends, its middle the box's. Where it
    would leave the picture it is shifted inward; where the picture is too narrow or too low for
    it, it becomes as narrow or low, and `View.fit` says what happens then:

        .................      .................      +--------------+..
        ....+------+.....      +------+.........      |              |..
        ....|  ##  |.....      |#     |.........      | ############ |..
        ....|  ##  |.....      |#     |.........      | ############ |..
        ....+------+.....      +------+.........      |              |..
        .................      .................      +--------------+..
        inside                 shifted inward         limited: not a square any more

    Args:
        box: shares of height and width, inside the picture.
        height: of the picture in pixels.
        width: likewise.
        margin: share of the box's longer side, from 0 on.

    Example:
        >>> square_window((0.25, 0.0, 0.75, 0.1), height=100, width=200, margin=0.1)
        (slice(20, 80, None), slice(0, 60, None))
    """
    y0, x0, y1, x1 = box
    side = max(1, round(max((y1 - y0) * height, (x1 - x0) * width) * (1 + 2 * margin)))
    return (
        _stretch((y0 + y1) / 2 * height, side, height),
        _stretch((x0 + x1) / 2 * width, side, width),
    )


def _stretch(middle: float, side: int, extent: int) -> slice:
    length = min(side, extent)
    start = min(max(0, round(middle - length / 2)), extent - length)
    return slice(start, start + length)
