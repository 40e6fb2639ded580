"""Small real videos of a textured square on a path, and copies of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, FPS = 128, 96, 25

Pictures = list[NDArray[np.uint8]]
Place = tuple[float, float]


def circle(part: float) -> Place:
    """Once around, at an even speed."""
    return float(np.cos(2 * np.pi * part)), float(np.sin(2 * np.pi * part))


def late_circle(part: float) -> Place:
    """The same way round as `circle`, in another rhythm: another take of it."""
    return circle(part**2)


def wave(part: float) -> Place:
    """To and fro."""
    return float(np.sin(4 * np.pi * part)), 0.5 * part


def pictures(path: Callable[[float], Place], *, seed: int = 0, frames: int = 40) -> Pictures:
    """Pictures in which a square goes along a path, -1 to 1; the seed gives background, square."""
    random = np.random.default_rng(seed)
    small = random.integers(30, 120, (6, 8, 3), dtype=np.uint8)
    background = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    square = random.integers(140, 255, (24, 24, 3), dtype=np.uint8)
    drawn = []
    for number in range(frames):
        x, y = path(number / frames)
        left, top = round(52 + 40 * x), round(36 + 28 * y)
        picture = background.copy()
        picture[top : top + 24, left : left + 24] = square
        drawn.append(picture)
    return drawn


def write(path: Path, drawn: Sequence[NDArray[np.uint8]], *, fps: int = FPS, crf: int = 18) -> Path:
    """Encode pictures with H.264."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = drawn[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=fps, options={"preset": "ultrafast", "crf": str(crf)}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in drawn:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def resized(drawn: Pictures, width: int, height: int) -> Pictures:
    return [cv2.resize(each, (width, height), interpolation=cv2.INTER_AREA) for each in drawn]


def mirrored(drawn: Pictures) -> Pictures:
    return [each[:, ::-1] for each in drawn]


def brighter(drawn: Pictures) -> Pictures:
    return [cv2.convertScaleAbs(each, alpha=1.15, beta=12) for each in drawn]


def with_bars(drawn: Pictures) -> Pictures:
    return [cv2.copyMakeBorder(each, 0, 0, 20, 20, cv2.BORDER_CONSTANT) for each in drawn]


def with_text(drawn: Pictures, text: str) -> Pictures:
    """Large pictures with a caption."""
    written = []
    for each in resized(drawn, 4 * WIDTH, 4 * HEIGHT):
        written.append(
            cv2.putText(each, text, (20, 360), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (255, 255, 255), 3)
        )
    return written
