"""A video from its first frame to its last, a frame at a time."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signflow.annotations import Box
from signflow.video.choice import OVERHANG
from signflow.video.container import OpenVideo, decode_tolerantly, open_stream, open_video
from signflow.video.images import DEFAULT_FRAME_RATE, list_images
from signflow.video.spans import VideoFault
from signflow.video.view import Fit, View, view_frame

Shown = tuple[float, NDArray[np.uint8]]


def read_frames(
    path: str | Path,
    *,
    size: tuple[int, int] | None,
    frame_rate: float | None = None,
    box: Box | None = None,
    margin: float = 0.0,
    fit: Fit = "squash",
) -> Iterator[Shown]:
    """Decode a video, or a folder of numbered images, from its start to its end.

    The pictures and times are those that `decode_spans` gives. Only one is in memory at a time.
    Frames that cannot be decoded are passed over; where frames have no times that ascend, they are
    taken to follow each other at the average rate.

    Args:
        path: the video file or the folder.
        size: see `decode_spans`; so are `frame_rate`, `margin` and `fit`.
        frame_rate: images per second of a folder; None: 25.
        box: what to cut out of the displayed picture; None: nothing.

    Yields:
        (seconds from the first frame, picture uint8 (H, W, 3), RGB), in order of time.

    Raises:
        VideoFault: it cannot be read; or, after its last frame, `truncated`: its header promises
            more than is there.
    """
    path, view = Path(path), View(size, box, margin, fit)
    if path.is_dir():
        yield from _read_folder(path, view, frame_rate or DEFAULT_FRAME_RATE)
        return
    with open_video(path) as video, open_stream(path) as (container, stream):
        time, gap = -math.inf, 1 / (video.info.fps or DEFAULT_FRAME_RATE)
        for frame in decode_tolerantly(container, stream):
            if frame is None or frame.is_corrupt:
                continue
            said = _time(video, frame.pts)
            time = said if said is not None and said > time else max(0.0, time + gap)
            yield time, view_frame(video, frame, view)
    if video.announced is not None and video.announced > time + gap + OVERHANG:
        raise VideoFault(
            "truncated",
            f"{path}: is cut off: {video.announced:.3f} s are announced, {time + gap:.3f} s are"
            " there",
        )


def _time(video: OpenVideo, pts: int | None) -> float | None:
    if pts is None or not video.seconds_per_tick:
        return None
    return (pts - video.first_pts) * video.seconds_per_tick


def _read_folder(folder: Path, view: View, frame_rate: float) -> Iterator[Shown]:
    for number, file in enumerate(list_images(folder)):
        with open_video(file) as image:
            yield number / frame_rate, view_frame(image, image.first, view)
