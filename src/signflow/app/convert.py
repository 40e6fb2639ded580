"""From whatever a browser sends to a plain H.264 file that every reader takes."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame

from signflow.app.limits import Limits
from signflow.errors import UserError
from signflow.video import VideoFault
from signflow.video.container import OpenVideo, decode_tolerantly, open_stream, open_video

LONGER_SIDE = 1280
"""Pixels of what is kept; a net sees fewer."""

_TIME_BASE = Fraction(1, 90_000)
_OPTIONS = {"preset": "veryfast", "crf": "17"}


def convert(
    source: Path, target: Path, *, limits: Limits, frames: int = 1, name: str | None = None
) -> None:
    """Write a video anew: upright, H.264 in MP4, without sound and without the camera's notes.

    Browsers record WebM without an index and at a changing rate, telephones store pictures lying on
    their side, with the place where they were taken. Times of frames are kept.

    Args:
        source: any file that FFmpeg reads.
        target: the file to write, ending in .mp4.
        limits: of the video.
        frames: that it must have at least.
        name: what messages call the source; None: its own name.

    Raises:
        UserError: it is no video, too long, too short or too large.
    """
    name = name or source.name
    try:
        with open_video(source) as video:
            _check(video, limits, name=name)
            count = _write(video, target, limits, name=name)
    except VideoFault as fault:
        raise UserError(plain_fault(fault, source, name)) from None
    if count < frames:
        raise UserError(
            f"{name} is too short: it has {count} pictures, and {frames} are needed."
            " Record a longer clip."
        )


def check_video(source: Path, *, limits: Limits, name: str | None = None) -> None:
    """Make sure that a file is a video within the limits, by its header and its time stamps.

    Raises:
        UserError: it is not.
    """
    name = name or source.name
    try:
        with open_video(source) as video:
            _check(video, limits, name=name)
        with open_stream(source) as (container, stream):
            # A header may promise less than follows; packets are cheap to count.
            first = None
            for packet in container.demux(stream):
                if packet.pts is None or packet.time_base is None:
                    continue
                first = packet.pts if first is None else first
                _check_seconds(float((packet.pts - first) * packet.time_base), limits, name=name)
    except VideoFault as fault:
        raise UserError(plain_fault(fault, source, name)) from None
    except av.FFmpegError:
        return  # damaged further on: whoever decodes it says so


def plain_fault(fault: VideoFault, source: Path, name: str) -> str:
    """What is wrong with a video, by the name that its owner knows, not by the server's path."""
    return str(fault).replace(str(source), name)


def _check(video: OpenVideo, limits: Limits, *, name: str) -> None:
    longer = max(video.info.width, video.info.height)
    if longer > limits.pixels:
        raise UserError(
            f"{name} is too large: {video.info.width} x {video.info.height} pixels, and the longer"
            f" side may have {limits.pixels}."
        )
    _check_seconds(video.info.duration or 0.0, limits, name=name)


def _check_seconds(seconds: float, limits: Limits, *, name: str) -> None:
    if seconds > limits.seconds:
        raise UserError(
            f"{name} is too long: more than {limits.seconds:g} seconds. Send a clip of one sign."
        )


def _write(video: OpenVideo, target: Path, limits: Limits, *, name: str) -> int:
    """Write the frames; say how many they are."""
    scale = min(1.0, LONGER_SIDE / max(video.info.width, video.info.height))
    # H.264 in yuv420p has even sides.
    width, height = (
        max(2, round(side * scale / 2) * 2) for side in (video.info.width, video.info.height)
    )
    count = 0
    with av.open(str(target), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=30, options=dict(_OPTIONS))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = _TIME_BASE
        for frame, seconds in _timed(video):
            _check_seconds(seconds, limits, name=name)
            picture = video.to_rgb(frame, size=(height, width))
            out = VideoFrame.from_ndarray(picture, format="rgb24")
            out.pts, out.time_base = round(seconds / _TIME_BASE), _TIME_BASE
            container.mux(stream.encode(out))
            count += 1
        container.mux(stream.encode())
    return count


def _timed(video: OpenVideo) -> Iterator[tuple[VideoFrame, float]]:
    """All frames with their seconds from the first; those that do not ascend are left out."""
    before = -1.0
    with open_stream(video.path) as (container, stream):
        for frame in filter(None, decode_tolerantly(container, stream)):
            if frame.pts is None:  # AVI has no times: one picture follows the other
                seconds = before + 1 / (video.info.fps or 25.0) if before >= 0 else 0.0
            else:
                seconds = (frame.pts - video.first_pts) * video.seconds_per_tick
            if seconds > before and seconds >= 0:
                before = seconds
                yield frame, seconds
