"""What is asked of a video, and what comes back."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 0.0005
"""Seconds by which a frame may lie before a span's edge: annotations are rounded to milliseconds,
so that a clip said to start at 0.033 means the frame at 1/30 s, and one said to start at 0.067 the
frame at 2/30 s."""

FaultCode = Literal[
    "file-missing",
    "not-fetched",
    "unreadable",
    "truncated",
    "no-video-stream",
    "span-past-end",
    "span-empty",
    "too-few-frames",
    "box-outside",
    "decoder-failed",
    "decoder-died",
    "decoder-hung",
]
"""Why a clip cannot be had. `not-fetched`: there are sections of its video, and none holds it (see
`signflow.annotations.sections`). `box-outside` is found by who crops, the last three by who builds
(an exception that nobody foresaw, a crash of the process, silence), all others by who decodes."""

FAULT_CODES: tuple[FaultCode, ...] = get_args(FaultCode)


class VideoFault(Exception):  # noqa: N818 - it is returned more often than raised
    """A video, or a span of it, that cannot be served.

    It is raised by `probe` and *returned* by `decode_spans`, where one fault stops nothing. It
    survives pickling, so it may cross from one process to another.

    Args:
        code: the reason, for programs: what a summary counts.
        message: the reason, for people: one line that names file, value and what is allowed.

    Example:
        >>> str(VideoFault("file-missing", "a.mp4: no such file"))
        'a.mp4: no such file'
    """

    def __init__(self, code: FaultCode, message: str) -> None:
        super().__init__(message)
        self.code: FaultCode = code

    def __reduce__(self) -> tuple[type["VideoFault"], tuple[FaultCode, str]]:
        return VideoFault, (self.code, str(self))


@dataclass(frozen=True)
class Span:
    """A half-open stretch of time in a video, in seconds from the video's first frame.

    A frame shown `t` seconds after the first one belongs to it if
    `start - TOLERANCE <= t < end - TOLERANCE`.

    Attributes:
        start: where it begins; None: at the first frame.
        end: where it ends (exclusive); None: with the last frame.

    Example:
        >>> Span(1.0, 2.5).fault is None
        True
    """

    start: float | None = None
    end: float | None = None

    @property
    def first(self) -> float:
        """The earliest time, in seconds, of a frame that belongs to the span."""
        return (self.start or 0.0) - TOLERANCE

    @property
    def limit(self) -> float:
        """The time, in seconds, from which on no frame belongs to the span; may be infinite."""
        return math.inf if self.end is None else self.end - TOLERANCE

    @property
    def fault(self) -> str | None:
        """What is wrong with the span itself, whatever the video: a clause for a message."""
        for name, value in (("start", self.start), ("end", self.end)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                return f"its {name} is {value}, but must be a number of seconds from 0 on"
        if self.end is not None and self.end <= (self.start or 0.0):
            return f"its end ({self.end} s) must lie after its start ({self.start or 0.0} s)"
        return None

    def __str__(self) -> str:
        start = "the start" if self.start is None else f"{self.start:g} s"
        return f"{start} to {'the end' if self.end is None else f'{self.end:g} s'}"


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video without decoding it all.

    Attributes:
        width: in pixels, as displayed: after the rotation that the file asks for.
        height: likewise.
        fps: frames per second, on average; 0 where the file does not say.
        duration: in seconds, as the file says or, where it does not, as FFmpeg estimates; None
            where neither knows.
        codec: FFmpeg's name of the codec ("h264").
        rotation: by how many degrees the stored picture is turned clockwise for display:
            0, 90, 180 or 270.
    """

    width: int
    height: int
    fps: float
    duration: float | None
    codec: str
    rotation: int


@dataclass(frozen=True)
class DecodedSpan:
    """The frames that were chosen from a span.

    Attributes:
        frames: uint8 (T, H, W, 3), RGB, in order of time.
        times: float64 (T,), seconds from the video's first frame, in order; where frames are
            repeated (`sample_rate`), so are they.
        n_frames: how many frames the span holds, of which T were chosen.
        info: of the video.
    """

    frames: NDArray[np.uint8]
    times: NDArray[np.float64]
    n_frames: int
    info: VideoInfo
