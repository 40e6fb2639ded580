"""Sketches: a clip as a few small grey pictures, enough to tell whether it is another's copy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from signflow.annotations import Clip
from signflow.store import ClipRow, Recipe, Store
from signflow.store.rows import BUILT
from signflow.video import (
    DecodedSpan,
    Span,
    VideoFault,
    decode_spans,
    sample_even,
    sample_rate,
)

SIDE = 32
"""Height and width of a sketch's pictures, in pixels: a hand is a few of them."""

MOST_FRAMES = 32
"""A sketch of a video holds so many pictures at most: one every 0.08 s of a clip of 2.5 s."""

_DECODED = 64
"""Height and width at which videos are looked at: black borders are cut off before shrinking."""

_DARK = 24
"""Grey level, 0 to 255, that a black border never reaches, noise of the encoder included."""

DEFAULT_FPS = 25.0
"""Taken where a video does not say its frame rate."""

FEWEST_FRAMES = Recipe().frames
"""A clip with fewer frames counts as not available: the default recipe cannot build it."""


@dataclass(frozen=True, eq=False)
class Sketch:
    """A clip, small and grey.

    Attributes:
        frames: uint8 (K, 32, 32), without black borders, squashed to a square.
        times: float64 (K,), seconds from the clip's first frame, ascending.
    """

    frames: NDArray[np.uint8]
    times: NDArray[np.float64]


def make_sketch(pictures: NDArray[np.uint8], times: NDArray[np.float64]) -> Sketch:
    """Sketch pictures.

    Args:
        pictures: uint8 (K, H, W, 3), RGB.
        times: float64 (K,), when they are shown, in seconds, ascending.
    """
    grey = np.stack([cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures])
    inner = grey[:, *_without_borders(grey)]
    small = [cv2.resize(each, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for each in inner]
    return Sketch(np.stack(small).astype(np.uint8), times - times[0])


def sketch_videos(clips: Sequence[Clip]) -> Iterator[tuple[ClipRow, Sketch | None]]:
    """Sketch clips of one video, decoding each stretch once.

    Yields:
        a row for each clip, in no certain order: "built" where it can be had, or why not; and its
        sketch, where there is one.
    """
    results = decode_spans(
        clips[0].source,
        spans=[Span(clip.start, clip.end) for clip in clips],
        count=FEWEST_FRAMES,
        choose=_evenly,
        size=(_DECODED, _DECODED),
        frame_rate=clips[0].frame_rate,
    )
    for index, result in results:
        clip = clips[index]
        if isinstance(result, VideoFault):
            yield ClipRow(clip=clip, status=result.code, reason=str(result)), None
        else:
            yield _row(clip, result), make_sketch(result.frames, result.times)


def sketch_samples(store: Store, rows: Sequence[ClipRow]) -> Iterator[tuple[ClipRow, Sketch]]:
    """Sketch the samples of built clips from the frames that a store keeps of them."""
    for row in rows:
        pictures = store.sample(row.clip.clip_id).frames
        yield row, make_sketch(pictures, kept_times(row, store.recipe))


def kept_times(row: ClipRow, recipe: Recipe) -> NDArray[np.float64]:
    """When the frames that a store keeps of a clip are shown, in seconds from its first one."""
    count = row.video_frames or recipe.frames
    times = np.arange(count) / (row.fps or DEFAULT_FPS)
    if recipe.fps is None:
        return times[recipe.choose(count, recipe.frames)]
    return times[sample_rate(times, recipe.frames, recipe.fps)]


def _evenly(n: int, fewest: int) -> list[int]:
    """As many frames as a sketch may hold; short clips have all of theirs, `fewest` or more."""
    return sample_even(n, min(n, MOST_FRAMES))


def _row(clip: Clip, span: DecodedSpan) -> ClipRow:
    return ClipRow(
        clip=clip,
        status=BUILT,
        video_frames=span.n_frames,
        fps=span.info.fps,
        width=span.info.width,
        height=span.info.height,
    )


def _without_borders(grey: NDArray[np.uint8]) -> tuple[slice, slice]:
    """The rows and columns between black borders; all, where more than half would be cut off."""
    return _inner(grey.max(axis=(0, 2))), _inner(grey.max(axis=(0, 1)))


def _inner(brightest: NDArray[np.uint8]) -> slice:
    lit = np.flatnonzero(brightest >= _DARK)
    if not lit.size or lit[-1] + 1 - lit[0] < len(brightest) / 2:
        return slice(None)
    return slice(int(lit[0]), int(lit[-1]) + 1)
