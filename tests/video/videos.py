"""Small videos whose frames carry their own number, and what a full decode makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

WIDTH, HEIGHT = 160, 96
BITS = 8
SCALING = int(
    Interpolation.AREA
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)


def numbered_picture(number: int) -> NDArray[np.uint8]:
    """A picture (HEIGHT, WIDTH, 3) with its number in eight black or white blocks in the upper
    half, and a coloured bar that wanders below, so that neighbouring frames are worth predicting.
    """
    picture = np.full((HEIGHT, WIDTH, 3), 60, dtype=np.uint8)
    block = WIDTH // BITS
    for bit in range(BITS):
        bright = 255 if number >> bit & 1 else 0
        picture[: HEIGHT // 2, bit * block : (bit + 1) * block] = bright
    left = number * 5 % (WIDTH - 30)
    picture[HEIGHT // 2 + 8 : -8, left : left + 30] = (220, 120, 40)
    return picture


def read_number(picture: NDArray[np.uint8]) -> int:
    """The number in a picture of `numbered_picture`'s size, however badly compressed."""
    block = WIDTH // BITS
    middles = [
        picture[12:36, bit * block + 4 : (bit + 1) * block - 4].mean() for bit in range(BITS)
    ]
    return sum(1 << bit for bit, bright in enumerate(middles) if bright > 127)


@dataclass(frozen=True)
class Encoding:
    """How to write a video.

    Attributes:
        suffix: of the file; decides the container.
        codec: FFmpeg's encoder.
        rate: frames per second.
        options: of the encoder.
        container_options: of the container.
        ticks: presentation time of every frame, in frames (1 / rate), where it varies.
        frames: how many, where `ticks` does not say.
        counted: whether decoding has to fall back to counting.
    """

    suffix: str
    codec: str = "libx264"
    rate: Fraction = Fraction(25)
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)
    ticks: Sequence[int] | None = None
    frames: int = 130
    counted: bool = False


def write_video(path: Path, encoding: Encoding, *, rotation: int | None = None) -> Path:
    """Write frames 0, 1, 2, .. to `path` (whose suffix is replaced), and return where they are."""
    path = path.with_suffix(encoding.suffix)
    ticks = range(encoding.frames) if encoding.ticks is None else encoding.ticks
    with av.open(str(path), "w", container_options=encoding.container_options) as container:
        stream: Any = container.add_stream(encoding.codec, rate=encoding.rate)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = stream.codec_context.codec.video_formats[0].name
        stream.options = dict(encoding.options)
        stream.codec_context.time_base = 1 / encoding.rate
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for number, tick in enumerate(ticks):
            frame = av.VideoFrame.from_ndarray(numbered_picture(number), format="rgb24")
            frame.pts, frame.time_base = tick, 1 / encoding.rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path, *, seconds: float = 1.0) -> Path:
    """Write a file that holds sound only."""
    with av.open(str(path), "w") as container:
        add_silence(container, seconds=seconds)
    return path


def add_silence(container: OutputContainer, *, seconds: float) -> None:
    """Write silence as the only stream of a container."""
    stream: Any = container.add_stream("aac", rate=16000)
    for start in range(0, round(16000 * seconds), 1024):
        samples = np.zeros((1, 1024), dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


@dataclass(frozen=True)
class FullDecode:
    """Every frame of a file, decoded from its start by PyAV alone.

    Attributes:
        times: float64 (N,), seconds from the first frame.
        frames: uint8 (N, H, W, 3).
    """

    times: NDArray[np.float64]
    frames: NDArray[np.uint8]


def decode_fully(path: Path, *, size: tuple[int, int] | None = None) -> FullDecode:
    """Decode a whole file (pictures as stored: not turned)."""
    times, frames = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            height, width = size or (frame.height, frame.width)
            picture = frame.reformat(
                width=width, height=height, format="rgb24", interpolation=SCALING
            )
            times.append(float(frame.pts * frame.time_base))
            frames.append(picture.to_ndarray())
    # AVI gives times to packets, not to pictures: they come out of order.
    times.sort()
    return FullDecode(np.array(times) - times[0], np.stack(frames))
