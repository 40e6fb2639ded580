"""Moving pictures whose motion is known, and real ones."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from signflow.video import DecodedSpan, Span, decode_spans

DATA = Path(__file__).parents[3] / "shared" / "data"
REAL = ("egogestar/up/up_6.mp4", "croatian_signs/žuta/0001.mp4")


def real_frames(name: str, *, frames: int = 5, size: int = 224) -> NDArray[np.uint8]:
    """Frames of a clip of the development data; the test is skipped where it is not there."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"needs the development data ({name}) in shared/data")
    ((_, result),) = decode_spans(path, spans=[Span()], count=frames, size=(size, size))
    assert isinstance(result, DecodedSpan)
    return result.frames


def texture(size: int, *, seed: int = 3, smooth: float = 3) -> NDArray[np.uint8]:
    """A smooth random pattern in colour, (size, size, 3)."""
    noise = np.random.default_rng(seed).integers(0, 256, (size, size, 3)).astype(np.uint8)
    blurred = cv2.GaussianBlur(noise, (0, 0), smooth)
    pattern: NDArray[np.uint8] = cv2.normalize(blurred, None, 0, 255, cv2.NORM_MINMAX)
    return pattern


def seen_by_a_camera(
    height: int, width: int, *, motion: NDArray[np.float64], frames: int = 4
) -> NDArray[np.uint8]:
    """Frames of a textured plane whose picture moves by a homography about its middle, each time.

    Args:
        height: in pixels.
        width: in pixels.
        motion: 3 x 3, on points (x, y, 1) from the picture's middle.
        frames: how many.
    """
    side = 2 * max(height, width)
    wall = texture(side)
    to_middle = np.array([[1, 0, -(width - 1) / 2], [0, 1, -(height - 1) / 2], [0, 0, 1]])
    from_wall = np.array([[1, 0, -(side - 1) / 2], [0, 1, -(side - 1) / 2], [0, 0, 1]])
    pictures = []
    for frame in range(frames):
        moved = np.linalg.matrix_power(motion, frame)
        whole = np.linalg.inv(to_middle) @ moved @ from_wall
        pictures.append(cv2.warpPerspective(wall, whole, (width, height)))
    return np.stack(pictures)


def pan(x: float, y: float) -> NDArray[np.float64]:
    """The picture moves by x and y pixels."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def turn(degrees: float) -> NDArray[np.float64]:
    """The picture turns about its middle."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def zoom(factor: float) -> NDArray[np.float64]:
    """The picture grows about its middle."""
    return np.diag([factor, factor, 1.0])
