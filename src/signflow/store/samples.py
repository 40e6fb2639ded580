"""From clips to samples."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signflow.annotations import Box, Clip
from signflow.store.encodings import Images, encode_images
from signflow.store.recipe import Recipe
from signflow.video import (
    DecodedSpan,
    Span,
    VideoFault,
    compute_flow,
    decode_array,
    decode_spans,
    quantise_flow,
)


class Sample:
    """One clip as arrays. What is encoded is decoded when it is looked at, and no earlier.

    Attributes:
        clip_id: the clip.
        label: its class number.
        kept_frames: the frames as they are kept: an array, or encoded.
        kept_flow: the flow, likewise; or the recipe by which it is computed when it is looked at.
    """

    def __init__(self, *, clip_id: str, label: int, frames: Images, flow: Images | Recipe) -> None:
        self.clip_id = clip_id
        self.label = label
        self.kept_frames = frames
        self.kept_flow = flow

    @cached_property
    def frames(self) -> NDArray[np.uint8]:
        """uint8 (T, H, W, 3), RGB."""
        return np.asarray(self.kept_frames)

    @cached_property
    def flow(self) -> NDArray[np.uint8]:
        """uint8 (T-1, H, W, 2), motion from each kept frame to the next, x then y.

        128 is no motion, 128 +- 127 is +- the recipe's `bound` pixels.
        """
        if isinstance(self.kept_flow, Recipe):
            recipe = self.kept_flow
            return quantise_flow(_flow(self.frames, recipe), bound=recipe.bound)[0]
        return np.asarray(self.kept_flow)

    @property
    def middle_frame(self) -> NDArray[np.uint8]:
        """The kept frame in the clip's middle, uint8 (H, W, 3); only this one is decoded."""
        middle: NDArray[np.uint8] = self.kept_frames[len(self.kept_frames) // 2]
        return middle


@dataclass(frozen=True, kw_only=True, eq=False)
class Made:
    """A sample, and what was seen while making it.

    Attributes:
        sample: the sample, as a store gives it out: what an encoding loses is lost here already.
        span: the decoded frames with their times and the video's properties.
        saturated: share of flow values at or beyond the recipe's bound, 0 to 1; None where no flow
            is kept.
    """

    sample: Sample
    span: DecodedSpan
    saturated: float | None


def make_samples(
    clips: Sequence[Clip], *, recipe: Recipe
) -> Iterator[tuple[Clip, Made | VideoFault]]:
    """Turn clips of one video into samples; each stretch of the video is decoded once.

    Args:
        clips: clips that have the same source.
        recipe: how.

    Yields:
        Every clip once, with its sample or the reason why there is none.
    """
    whole: list[Clip] = []
    for clip in clips:
        if clip.box is not None and not box_is_inside(clip.box):
            yield clip, VideoFault("box-outside", _box_message(clip.source, clip.box))
        else:
            whole.append(clip)
    results = decode_spans(
        Path(clips[0].source),
        spans=[Span(clip.start, clip.end) for clip in whole],
        count=recipe.frames,
        choose=recipe.choose,
        fps=recipe.fps,
        fewest=recipe.fewest,
        size=(recipe.image_size, recipe.image_size),
        frame_rate=clips[0].frame_rate,
        boxes=[clip.box if recipe.crop == "box" else None for clip in whole],
        margin=recipe.crop_margin,
        fit=recipe.fit,
    )
    for index, result in results:
        clip = whole[index]
        yield clip, result if isinstance(result, VideoFault) else _make(clip, result, recipe)


def make_sample(clip: Clip, frames: NDArray[np.uint8], *, recipe: Recipe) -> Made | VideoFault:
    """Turn frames that are in memory already into a sample.

    Args:
        clip: which stretch of them; its frame rate is theirs, its source their name for messages.
        frames: uint8 (T, H, W, 3), RGB, at least so many as the clip's stretch needs.
        recipe: how.

    Returns:
        The sample, or the reason why there is none.

    Raises:
        ValueError: the array has another shape or type, or the clip's frame rate is not above 0.
    """
    if clip.box is not None and not box_is_inside(clip.box):
        return VideoFault("box-outside", _box_message(clip.source, clip.box))
    span = decode_array(
        frames,
        span=Span(clip.start, clip.end),
        count=recipe.frames,
        choose=recipe.choose,
        fps=recipe.fps,
        fewest=recipe.fewest,
        size=(recipe.image_size, recipe.image_size),
        frame_rate=clip.frame_rate,
        box=clip.box if recipe.crop == "box" else None,
        margin=recipe.crop_margin,
        fit=recipe.fit,
        name=clip.source,
    )
    return span if isinstance(span, VideoFault) else _make(clip, span, recipe)


def pack_sample(
    frames: NDArray[np.uint8],
    flow: NDArray[np.float32] | None,
    *,
    recipe: Recipe,
    clip_id: str,
    label: int = 0,
) -> tuple[Sample, float | None]:
    """Turn kept frames and the flow between them into a sample, as a store gives it out.

    Args:
        frames: uint8 (T, H, W, 3), RGB, of the recipe's size.
        flow: float32 (T-1, H, W, 2), in pixels; None: it is computed when it is looked at.
        recipe: for bound and encoding.
        clip_id: the sample's name.
        label: its class number.

    Returns:
        The sample, and the share of flow values at or beyond the recipe's bound (None without).
    """

    def kept(images: NDArray[np.uint8]) -> Images:
        return encode_images(images, encoding=recipe.encoding, quality=recipe.jpeg_quality)

    if flow is None:
        sample = Sample(clip_id=clip_id, label=label, frames=kept(frames), flow=recipe)
        return sample, None
    quantised, saturated = quantise_flow(flow, bound=recipe.bound)
    sample = Sample(clip_id=clip_id, label=label, frames=kept(frames), flow=kept(quantised))
    return sample, saturated


def box_is_inside(box: Box) -> bool:
    """Whether a box has an area and lies in the picture."""
    y0, x0, y1, x1 = box
    return all(math.isfinite(side) for side in box) and 0 <= y0 < y1 <= 1 and 0 <= x0 < x1 <= 1


def _make(clip: Clip, span: DecodedSpan, recipe: Recipe) -> Made:
    flow = _flow(span.frames, recipe) if recipe.keep_flow else None
    sample, saturated = pack_sample(
        span.frames, flow, recipe=recipe, clip_id=clip.clip_id, label=clip.label
    )
    return Made(sample=sample, span=span, saturated=saturated)


def _flow(frames: NDArray[np.uint8], recipe: Recipe) -> NDArray[np.float32]:
    return compute_flow(frames, method=recipe.flow, camera=recipe.camera)


def _box_message(source: str, box: Box) -> str:
    return (
        f"{source}: the box {list(box)} is not inside the picture; expected"
        " 0 <= y0 < y1 <= 1 and 0 <= x0 < x1 <= 1"
    )
