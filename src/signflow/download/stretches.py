"""Which stretches of a video its clips need."""

import math
from collections.abc import Iterable, Sequence

from signflow.annotations import Clip
from signflow.annotations.sections import Stretch
from signflow.download.config import DownloadConfig


def missing_clips(clips: Iterable[Clip], held: Sequence[Stretch]) -> list[Clip]:
    """The clips of one video that none of the held stretches covers.

    A clip whose span is wrong in itself needs nothing: the build says what is wrong without
    looking at the video.
    """
    return [
        clip
        for clip in clips
        if _is_sound(clip) and not any(stretch.covers(clip.start, clip.end) for stretch in held)
    ]


def needed_stretches(clips: Sequence[Clip], *, config: DownloadConfig) -> list[Stretch]:
    """The stretches that hold clips of one video, in order of time, in whole milliseconds.

    Each clip has its margin; stretches with no more than the gap between them are one.

    Example:
        >>> clip = Clip(clip_id="a", source="a.mp4", label=0, gloss="no", split="val",
        ...             start=3.0, end=5.0)
        >>> needed_stretches([clip], config=DownloadConfig(section_margin=1))
        [Stretch(start=2.0, end=6.0)]
    """
    joined: list[Stretch] = []
    for stretch in sorted(_with_margin(clip, config.section_margin) for clip in clips):
        if joined and stretch.start <= joined[-1].end + config.section_gap:
            joined[-1] = Stretch(joined[-1].start, max(joined[-1].end, stretch.end))
        else:
            joined.append(stretch)
    return joined


def _with_margin(clip: Clip, margin: float) -> Stretch:
    start = max(0.0, (clip.start or 0.0) - margin)
    end = math.inf if clip.end is None else math.ceil((clip.end + margin) * 1000) / 1000
    return Stretch(math.floor(start * 1000) / 1000, end)


def _is_sound(clip: Clip) -> bool:
    start, end = clip.start or 0.0, math.inf if clip.end is None else clip.end
    return math.isfinite(start) and 0 <= start < end
