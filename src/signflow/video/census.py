"""The frames of a video counted by decoding it from the start, where its packets do not tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from signflow.video.container import OpenVideo, decode_tolerantly, open_stream


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
    """Count frames by decoding, up to the first one at `limit` seconds (infinite: all).

    Frames without presentation times that grow are taken to follow each other at the video's
    frame rate, as in AVI, which stores no times.
    """
    ticks: list[int | None] = []
    sound: list[bool] = []
    gaps: list[int] = []
    is_sound, complete = True, True
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
            if _is_beyond(video, frame, len(ticks), limit):
                complete = False
                break
    return Census(_timeline(video, ticks), np.array(sound, dtype=bool), tuple(gaps), complete)


def decode_counted(video: OpenVideo) -> Iterator[tuple[int, VideoFrame]]:
    """Decode from the start once more; yields every frame with its position."""
    with open_stream(video.path) as (container, stream):
        yield from enumerate(filter(None, decode_tolerantly(container, stream)))


def _is_beyond(video: OpenVideo, frame: VideoFrame, counted: int, limit: float) -> bool:
    # Both by the clock and by the count: which of the two holds is only known at the end.
    if frame.pts is None or (frame.pts - video.first_pts) * video.seconds_per_tick < limit:
        return False
    return not video.info.fps or (counted - 1) / video.info.fps >= limit


def _timeline(video: OpenVideo, ticks: list[int | None]) -> NDArray[np.float64]:
    known = [tick for tick in ticks if tick is not None]
    grows = all(earlier < later for earlier, later in pairwise(known))
    if (len(known) == len(ticks) and grows) or not video.info.fps:
        return (np.array(known, dtype=np.float64) - video.first_pts) * video.seconds_per_tick
    return np.arange(len(ticks), dtype=np.float64) / video.info.fps
