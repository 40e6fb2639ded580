"""The frames of a video counted by decoding it from the start, where its packets do not tell."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from signflow.video.container import MAX_REORDER, OpenVideo, decode_tolerantly, open_stream
from signflow.video.spans import VideoFault


@dataclass(frozen=True)
class Census:
    """What decoding from the start gave out.

    Attributes:
        times: float64 (N,), seconds from the first frame, of every frame.
        sound: bool (N,), whether a frame and all that it builds on were whole.
        gaps: positions before which something was lost; N: behind the last frame.
        complete: whether the census reached the end of the file.
    """

    times: NDArray[np.float64]
    sound: NDArray[np.bool_]
    gaps: tuple[int, ...]
    complete: bool

    def is_whole(self, start: int, stop: int) -> bool:
        """Whether nothing is damaged or lost among the frames start .. stop - 1."""
        return bool(self.sound[start:stop].all()) and not any(
            start < gap <= stop for gap in self.gaps
        )


def take_census(video: OpenVideo, *, limit: float) -> Census:
    """Count frames by decoding, up to the first ones past `limit` seconds (infinite: all)."""
    ticks: list[int | None] = []
    sound: list[bool] = []
    gaps: list[int] = []
    is_sound, beyond, complete = True, 0, True
    with open_stream(video.path) as (container, stream):
        for frame in decode_tolerantly(container, stream):
            if frame is None:
                gaps.append(len(ticks))
                is_sound = False
                continue
            # Damage stays in the picture until one that builds on no other.
            is_sound = not frame.is_corrupt and (is_sound or frame.key_frame or not ticks)
            ticks.append(frame.pts)
            sound.append(is_sound)
            beyond += frame.pts is not None and _seconds(video, frame.pts) >= limit
            if beyond > MAX_REORDER:
                complete = False
                break
    times = _timeline(video, ticks)
    if not complete and times[-1] < limit:  # by the clock it came far enough, by the count not
        return take_census(video, limit=math.inf)
    return Census(times, np.array(sound, dtype=bool), tuple(gaps), complete)


def decode_counted(video: OpenVideo) -> Iterator[tuple[int, VideoFrame]]:
    """Decode from the start once more; yields every frame with its position."""
    with open_stream(video.path) as (container, stream):
        yield from enumerate(filter(None, decode_tolerantly(container, stream)))


def _timeline(video: OpenVideo, ticks: list[int | None]) -> NDArray[np.float64]:
    """Times that ascend, whatever the frames say of themselves.

    AVI has one time a packet, not a picture: with B-frames, times come out in the wrong order, and
    in order they are right. Where they are missing or occur twice, frames are taken to follow each
    other at the average rate.
    """
    known = {tick for tick in ticks if tick is not None}
    if len(known) == len(ticks):
        zero = min(known) if video.section is None else video.first_pts
        return (np.array(sorted(known), dtype=np.float64) - zero) * video.seconds_per_tick
    if video.section is not None:
        raise VideoFault(
            "unreadable",
            f"{video.path}: is damaged: a section without its time stamps cannot be placed in its"
            " video; delete it and fetch it again",
        )
    return np.arange(len(ticks), dtype=np.float64) / (video.info.fps or 25.0)


def _seconds(video: OpenVideo, tick: int) -> float:
    return (tick - video.first_pts) * video.seconds_per_tick
