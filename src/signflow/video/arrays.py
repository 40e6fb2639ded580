"""A stretch of pictures that are in memory already: a webcam's, or somebody else's decoder's."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signflow.annotations import Box
from signflow.video.choice import Pick, Request, find_fault, pick_frames
from signflow.video.images import DEFAULT_FRAME_RATE
from signflow.video.sampling import sample_floor
from signflow.video.spans import DecodedSpan, Span, VideoFault, VideoInfo
from signflow.video.view import Fit, View


def choose_frames(
    name: str,
    times: NDArray[np.float64],
    *,
    span: Span,
    count: int,
    choose: Callable[[int, int], Sequence[int]] = sample_floor,
    fps: float | None = None,
    fewest: int | None = None,
) -> Pick | VideoFault:
    """Say which of the frames shown at `times` `decode_spans` would keep of a span.

    Args:
        name: what the frames are of, for messages.
        times: float64 (N,), seconds, ascending.
        span: what is wanted; where it ends is not held against `times`, that is for who knows how
            long the last frame is shown.
        count: how many frames to choose.
        choose: see `decode_spans`.
        fps: likewise.
        fewest: likewise.

    Returns:
        The frames, their positions in `times` as `Pick.wanted`; or why there are none.
    """
    request = Request(Path(name), (span,), count, choose, fps, (View(None),), fewest)
    fault = find_fault(request, span, times, length=None, announced=None)
    return fault or pick_frames(request, 0, range(len(times)), times)


def decode_array(
    frames: NDArray[np.uint8],
    *,
    span: Span,
    count: int,
    choose: Callable[[int, int], Sequence[int]] = sample_floor,
    fps: float | None = None,
    fewest: int | None = None,
    size: tuple[int, int] | None,
    frame_rate: float | None = None,
    box: Box | None = None,
    margin: float = 0.0,
    fit: Fit = "squash",
    name: str = "frames",
) -> DecodedSpan | VideoFault:
    """Choose and scale frames of a span, as `decode_spans` does; frame n is at n / frame_rate.

    Args:
        frames: uint8 (T, H, W, 3), RGB.
        span: what is wanted.
        count: how many frames to choose, at least 1.
        choose: see `decode_spans`; so are `fps`, `fewest`, `size`, `margin` and `fit`.
        frame_rate: frames per second of the array, above 0; None: 25.
        box: what to cut out; None: nothing.
        name: what the array is called in messages.

    Raises:
        ValueError: the array has another shape or type, or frame_rate is not above 0.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not frames.size:
        raise ValueError(
            f"frames are {frames.dtype} {frames.shape}, but must be uint8 (T, H, W, 3), not empty"
        )
    rate = DEFAULT_FRAME_RATE if frame_rate is None else frame_rate
    if not 0 < rate < float("inf"):
        raise ValueError(f"frame_rate is {rate}, but must be frames per second above 0")
    if span.fault:
        message = f"{name}: the span from {span} is empty or wrong: {span.fault}"
        return VideoFault("span-empty", message)
    view = View(size, box, margin, fit)
    request = Request(Path(name), (span,), count, choose, fps, (view,), fewest)
    times, length = np.arange(len(frames)) / rate, len(frames) / rate
    fault = find_fault(request, span, times, length=length, announced=None)
    if fault:
        return fault
    pick = pick_frames(request, 0, range(len(frames)), times)
    info = VideoInfo(
        width=frames.shape[2],
        height=frames.shape[1],
        fps=rate,
        duration=length,
        codec="rawvideo",
        rotation=0,
    )
    kept = np.stack([view.apply(frames[number]) for number in pick.wanted])
    return DecodedSpan(kept, pick.times, pick.n_frames, info)
