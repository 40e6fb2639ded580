"""Real, small videos: a textured square that moves the way its gloss says."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

MOTIONS = {"down": (0, 2), "left": (-2, 0), "right": (2, 0)}
WIDTH, HEIGHT, FPS = 96, 80, 25


def write_square_video(
    path: Path,
    *,
    gloss: str,
    seed: int = 0,
    frames: int = 20,
    clips: int = 1,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write an H.264 video in which a square moves; `clips` times, with half a second between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    background = random.integers(40, 90, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    square = random.integers(120, 255, (20, 20, 3), dtype=np.uint8)
    dx, dy = MOTIONS[gloss]
    x0, y0 = 38 - dx * frames // 2, 30 - dy * frames // 2
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for _ in range(clips):
            for number in [*range(frames), *[None] * (FPS // 2 if clips > 1 else 0)]:
                picture = background.copy()
                if number is not None:
                    x, y = x0 + dx * number, y0 + dy * number
                    picture[y : y + 20, x : x + 20] = square
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@dataclass(frozen=True)
class Done:
    """What a command left: its exit status and what it printed."""

    returncode: int
    stdout: str
    stderr: str


Signflow = Callable[..., Done]
