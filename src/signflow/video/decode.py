"""Frames of spans of a video: each stretch decoded once, only what is kept converted."""

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from signflow.annotations import Box
from signflow.video.census import decode_counted, take_census
from signflow.video.choice import (
    Pick,
    Request,
    find_fault,
    is_cut_off,
    locate,
    pick_frames,
    truncated,
)
from signflow.video.container import OpenVideo, open_video
from signflow.video.images import DEFAULT_FRAME_RATE, decode_images
from signflow.video.sampling import sample_floor
from signflow.video.spans import DecodedSpan, Span, VideoFault
from signflow.video.survey import (
    MismatchError,
    Stretch,
    cluster,
    decode_stretch,
    merge,
    survey,
)
from signflow.video.view import Fit, View, view_frame

Result = tuple[int, DecodedSpan | VideoFault]


def decode_spans(
    path: str | Path,
    *,
    spans: Sequence[Span],
    count: int,
    choose: Callable[[int, int], Sequence[int]] = sample_floor,
    fps: float | None = None,
    fewest: int | None = None,
    size: tuple[int, int] | None,
    frame_rate: float | None = None,
    boxes: Sequence[Box | None] | None = None,
    margin: float = 0.0,
    fit: Fit = "squash",
) -> Iterator[Result]:
    """Decode chosen frames of spans of one video, or of a folder of numbered images.

    The packets around the spans say, without decoding, which frames there are. Then the file is
    read from the keyframe before what is wanted next, each stretch once, however many spans lie
    in it. The frames are those that a full decode from the start gives. Where the decoder does
    not bear the packets out (doubtful time stamps, damage), the rest of the file is counted by
    decoding it from the start: slower, and right.

    Args:
        path: the video file, or a folder with `.jpg` and `.png` images in the order of the numbers
            in their names, the first at 0 s.
        spans: what is wanted; they may overlap, in any order.
        count: how many frames to choose of each span, at least 1.
        choose: maps (frames in the span, count) to positions in the span, ascending.
        fps: choose at this rate instead (`sample_rate`).
        fewest: how many frames a span must hold, at least 1, where `choose` repeats frames. None:
            as many as are chosen; two at a rate, which repeats them and shows motion from two on.
        size: (height, width) to scale to; None: the video's own, as displayed.
        frame_rate: images per second of a folder, above 0; None: 25. Not looked at for a video.
        boxes: for each span what to cut out of the displayed picture before it is scaled, made a
            square (`square_window`); None: all of it.
        margin: share of a box's longer side that is added on every side, from 0 on.
        fit: "squash" stretches to `size`; "letterbox" keeps the shape, with black beside it.

    Yields:
        (position in `spans`, result), one for each span, in the order in which the last frames
        that were chosen of them are shown; spans that cannot be served come first within what is
        known together. A result is a `DecodedSpan` or, never raised, a `VideoFault`.

    Raises:
        ValueError: count or fewest is below 1, size, fps, margin or frame_rate is out of range, or
            there are more or fewer boxes than spans.

    Example:
        >>> spans = [Span(1.0, 2.0), Span(63.0, 65.5)]
        >>> for index, result in decode_spans("gone.mp4", spans=spans, count=10, size=(224, 224)):
        ...     print(index, result.code if isinstance(result, VideoFault) else result.frames.shape)
        0 file-missing
        1 file-missing
    """
    if count < 1 or (fewest is not None and fewest < 1):
        raise ValueError(f"count is {count} and fewest {fewest}, but must be at least 1")
    if size is not None and min(size) < 1:
        raise ValueError(f"size is {size}, but height and width must be at least 1")
    if frame_rate is not None and not 0 < frame_rate < math.inf:
        raise ValueError(f"frame_rate is {frame_rate}, but must be images per second above 0")
    if fps is not None and not fps > 0:
        raise ValueError(f"fps is {fps}, but must be above 0")
    if not margin >= 0:
        raise ValueError(f"margin is {margin}, but must be from 0 on")
    if boxes is None:
        boxes = [None] * len(spans)
    elif len(boxes) != len(spans):
        raise ValueError(f"there are {len(boxes)} boxes, but {len(spans)} spans")
    views = tuple(View(size, box, margin, fit) for box in boxes)
    request = Request(Path(path), tuple(spans), count, choose, fps, views, fewest)
    return _results(request, frame_rate=frame_rate or DEFAULT_FRAME_RATE)


def _results(request: Request, *, frame_rate: float) -> Iterator[Result]:
    left: dict[int, Span] = {}
    for index, span in enumerate(request.spans):
        if span.fault:
            message = f"{request.path}: the span from {span} is empty or wrong: {span.fault}"
            yield index, VideoFault("span-empty", message)
        else:
            left[index] = span
    if not left:
        return
    if request.path.is_dir():
        yield from decode_images(request, left, frame_rate=frame_rate)
        return
    try:
        with open_video(request.path) as video:
            for index, fault in _outside_section(request, video, left):
                del left[index]
                yield index, fault
            for serve in (_by_survey, _by_census):
                for index, result in serve(request, video, dict(left)):
                    del left[index]
                    yield index, result
    except VideoFault as fault:
        for index in left:
            yield index, fault


def _outside_section(
    request: Request, video: OpenVideo, spans: dict[int, Span]
) -> list[tuple[int, VideoFault]]:
    """Which spans a section does not hold; the whole video holds them all."""
    if video.section is None:
        return []
    held = video.section.stretch
    return [
        (
            index,
            VideoFault(
                "not-fetched",
                f"{request.path}: holds {held} of its video, not {span}; the same signflow download"
                " --sections fetches what is missing, without --sections the whole video",
            ),
        )
        for index, span in spans.items()
        if not held.covers(span.start, span.end)
    ]


def _by_survey(request: Request, video: OpenVideo, spans: dict[int, Span]) -> Iterator[Result]:
    """Serve what packets can tell; stops where the decoder does not bear them out."""
    stretches: list[Stretch] = []
    picks: list[Pick] = []
    for group in cluster(spans.items()):
        first = group[0][1].first
        stretch = survey(video, first=first, limit=max(span.limit for _, span in group))
        if stretch is None:
            continue
        stretches.append(stretch)
        times = _seconds(video, stretch.times)
        length = None if stretch.end is None else _seconds(video, [stretch.end]).item()
        for index, span in group:
            fault = find_fault(request, span, times, length=length, announced=video.announced)
            if fault:
                yield index, fault
            else:
                picks.append(pick_frames(request, index, stretch.times, times))
    for stretch in merge(stretches):
        inside = [p for p in picks if stretch.keyframe <= p.last <= stretch.times[-1]]
        yield from _decode_together(request, video, stretch, inside)


def _decode_together(
    request: Request, video: OpenVideo, stretch: Stretch, picks: list[Pick]
) -> Iterator[Result]:
    """Serve spans of one stretch, as far as it is sound.

    A damaged frame that nothing builds on costs those spans alone that want it.
    """
    left = {pick.index: pick for pick in picks}
    while left:
        wanted = {number for pick in left.values() for number in pick.wanted}
        frames = decode_stretch(video, stretch, wanted=wanted)
        try:
            numbered = ((frame.pts or 0, frame) for frame in frames)
            for index, result in _keep(request, video, list(left.values()), numbered):
                del left[index]
                yield index, result
        except MismatchError as mismatch:
            if mismatch.time not in wanted:
                return  # what fails is needed by all that is left
            # It may have been decoded only because somebody wants it: go on without them.
            left = {i: pick for i, pick in left.items() if mismatch.time not in pick.wanted}


def _by_census(request: Request, video: OpenVideo, spans: dict[int, Span]) -> Iterator[Result]:
    """Serve what is left by decoding from the start: once to count, once to keep."""
    if not spans:
        return
    census = take_census(video, limit=max(span.limit for span in spans.values()))
    length = None
    if census.complete:
        length = float(census.times[-1]) + (1 / video.info.fps if video.info.fps else 0.0)
    picks: list[Pick] = []
    for index, span in spans.items():
        first, stop = locate(span, census.times)
        fault = find_fault(request, span, census.times, length=length, announced=video.announced)
        if fault is None and not census.is_whole(first, stop):
            fault = _damaged(request, video, span, length)
        if fault:
            yield index, fault
        else:
            numbers = range(len(census.times))
            picks.append(pick_frames(request, index, numbers, census.times))
    if picks:
        yield from _keep(request, video, picks, decode_counted(video))


def _keep(
    request: Request, video: OpenVideo, picks: list[Pick], frames: Iterable[tuple[int, VideoFrame]]
) -> Iterator[Result]:
    """Convert the wanted ones of numbered frames; give a span out as soon as it is complete."""
    waiting = deque(sorted(picks, key=lambda pick: pick.wanted[-1]))
    needed = Counter(key for pick in picks for key in set(request.keys(pick)))
    views: dict[int, set[View]] = {}
    for number, view in needed:
        views.setdefault(number, set()).add(view)
    kept: dict[tuple[int, View], NDArray[np.uint8]] = {}
    for number, frame in frames:
        for view in views.get(number, ()):
            kept[number, view] = view_frame(video, frame, view)
        while waiting and waiting[0].wanted[-1] <= number:
            pick = waiting.popleft()
            keys = request.keys(pick)
            pictures = np.stack([kept[key] for key in keys])
            needed.subtract(set(keys))
            for done in [key for key in set(keys) if not needed[key]]:
                del kept[done]
            yield pick.index, DecodedSpan(pictures, pick.times, pick.n_frames, video.info)
        if not waiting:
            return


def _damaged(request: Request, video: OpenVideo, span: Span, length: float | None) -> VideoFault:
    if length is not None and is_cut_off(length, video.announced):
        return truncated(request, span, length=length, announced=video.announced)
    return VideoFault(
        "unreadable",
        f"{request.path}: is damaged within the span from {span}: it cannot be decoded",
    )


def _seconds(video: OpenVideo, ticks: Sequence[int]) -> NDArray[np.float64]:
    return (np.array(ticks, dtype=np.float64) - video.first_pts) * video.seconds_per_tick
