"""Which frames of a span are wanted, or why it cannot be served."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signflow.video.sampling import sample_rate
from signflow.video.spans import Span, VideoFault
from signflow.video.view import View

OVERHANG = 0.25
"""Seconds by which a span may end after its video: annotators round up."""


@dataclass(frozen=True)
class Request:
    """What `decode_spans` was asked for; `views` has one for each span."""

    path: Path
    spans: tuple[Span, ...]
    count: int
    choose: Callable[[int, int], Sequence[int]]
    fps: float | None
    views: tuple[View, ...]
    fewest: int | None = None

    @property
    def needed(self) -> int:
        """How many frames a span must hold; at a rate they may be repeated, motion needs two."""
        if self.fewest is not None:
            return self.fewest
        return self.count if self.fps is None else min(self.count, 2)

    def positions(self, times: NDArray[np.float64]) -> Sequence[int]:
        """Which of a span's frames, shown at `times` (N,) in seconds, to keep."""
        if self.fps is None:
            return self.choose(len(times), self.count)
        return sample_rate(times, self.count, self.fps)

    def keys(self, pick: "Pick") -> list[tuple[int, View]]:
        """Under what a span's pictures are kept: spans share those they see in the same way."""
        return [(number, self.views[pick.index]) for number in pick.wanted]


@dataclass(frozen=True)
class Pick:
    """The frames wanted of one span.

    Attributes:
        index: the span's position in the request.
        wanted: the frames to keep, by a number that grows with time: ticks, or a count.
        last: the number of the span's last frame.
        times: float64 (T,), seconds, of those to keep.
        n_frames: frames in the span.
    """

    index: int
    wanted: tuple[int, ...]
    last: int
    times: NDArray[np.float64]
    n_frames: int


def locate(span: Span, times: NDArray[np.float64]) -> tuple[int, int]:
    """Where a span lies among ascending times (N,) in seconds: its first frame, and the one after
    its last."""
    first, stop = np.searchsorted(times, [span.first, span.limit], side="left").tolist()
    return first, stop


def find_fault(
    request: Request,
    span: Span,
    times: NDArray[np.float64],
    *,
    length: float | None,
    announced: float | None,
) -> VideoFault | None:
    """Say why a span cannot be served, if so.

    Args:
        request: for the path and how many frames are needed.
        span: sound in itself.
        times: float64 (N,), of all frames from the span's first one (or before) to its last one.
        length: seconds after which the video ends, if that was seen.
        announced: seconds that its header promises, if it does.
    """
    first, stop = locate(span, times)
    if length is not None:
        runs_past = first == len(times) or (span.end or 0.0) > length + OVERHANG
        if is_cut_off(length, announced) and (runs_past or span.end is None):
            within = max(span.start or 0.0, span.end or 0.0) <= (announced or 0.0) + OVERHANG
            if within:
                return truncated(request, span, length=length, announced=announced)
        if runs_past:
            return VideoFault(
                "span-past-end",
                f"{request.path}: the span from {span} lies past the end: the video is"
                f" {length:.3f} s long",
            )
    if stop - first < request.needed:
        return VideoFault(
            "too-few-frames",
            f"{request.path}: the span from {span} holds {stop - first} frames, but"
            f" {request.needed} are needed",
        )
    return None


def is_cut_off(length: float, announced: float | None) -> bool:
    """Whether a video's header promises more than is there (both in seconds)."""
    return announced is not None and announced > length + OVERHANG


def truncated(
    request: Request, span: Span, *, length: float, announced: float | None
) -> VideoFault:
    """The fault of a span that lies where the file was cut off."""
    return VideoFault(
        "truncated",
        f"{request.path}: is cut off: {announced or 0.0:.3f} s are announced, {length:.3f} s are"
        f" there; the span from {span} reaches beyond",
    )


def pick_frames(
    request: Request,
    index: int,
    numbers: Sequence[int],
    times: NDArray[np.float64],
) -> Pick:
    """Choose frames of a span that has no fault.

    Args:
        request: for how to choose.
        index: the span's position in the request.
        numbers: of all frames of `times`, growing: ticks, or a count.
        times: float64 (N,), see `find_fault`.
    """
    first, stop = locate(request.spans[index], times)
    chosen = [first + position for position in request.positions(times[first:stop])]
    return Pick(
        index=index,
        wanted=tuple(numbers[position] for position in chosen),
        last=numbers[stop - 1],
        times=times[chosen],
        n_frames=stop - first,
    )
