"""One video file, opened: its stream, what is known of it, and pictures as they are displayed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray

from signflow.annotations.sections import SectionNote, is_section
from signflow.video.spans import VideoFault, VideoInfo
from signflow.watchdog import sign_of_life

# Of swscale's methods, this one comes nearest to cv2.INTER_AREA on the real clips, 640x480 to
# 224x224: 0.2 of 255 away on average (bicubic 0.7), at the same price. Without the last three
# flags swscale rounds chroma and lightness down, and pictures come out darker by 1.5 of 255.
_SCALING = int(
    Interpolation.AREA
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)
MAX_REORDER = 32
"""After so many frames past a moment, none before it can follow, in a file or from a decoder:
twice what H.264 and HEVC allow for."""


def probe(path: str | Path) -> VideoInfo:
    """Say what a video file holds; decodes one frame.

    Raises:
        VideoFault: `file-missing`, `unreadable` or `no-video-stream`.

    Example:
        >>> probe("holiday.mp4").fps  # doctest: +SKIP
        29.97
    """
    with open_video(path) as video:
        return video.info


@dataclass(frozen=True)
class Orientation:
    """How stored pictures are turned and mirrored to be displayed: first transpose, then flip."""

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    @property
    def rotation(self) -> int:
        """Degrees clockwise: 0, 90, 180, 270; a mirrored picture counts as not turned further."""
        if self.transpose:
            return 90 if self.flip_columns else 270
        return 180 if self.flip_rows and self.flip_columns else 0

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn a stored picture (H, W, 3) into the displayed one."""
        if self.transpose:
            picture = picture.transpose(1, 0, 2)
        if self.flip_rows:
            picture = picture[::-1]
        if self.flip_columns:
            picture = picture[:, ::-1]
        return np.ascontiguousarray(picture)


@dataclass(frozen=True)
class OpenVideo:
    """A video that has yielded its first frame.

    Attributes:
        first_pts: presentation time of the first frame a decoder gives out: the zero of all times.
            In a section, what its clock shows at the whole video's first frame.
        first: the first frame that the decoder gives out.
        seconds_per_tick: the length of one step of presentation time.
        announced: seconds of video that the file's header promises, None where it does not, or
            where they are known to be there.
        section: what a section holds of its video; None: the file is the whole video.
    """

    path: Path
    container: InputContainer
    stream: VideoStream
    info: VideoInfo
    orientation: Orientation
    first_pts: int
    first: VideoFrame
    seconds_per_tick: float
    announced: float | None
    section: SectionNote | None = None

    def to_rgb(self, frame: VideoFrame, *, size: tuple[int, int] | None) -> NDArray[np.uint8]:
        """Convert a decoded frame to what is displayed.

        Args:
            frame: as the decoder gave it.
            size: (height, width) to scale to; None: the video's own.

        Returns:
            uint8 (H, W, 3), RGB.

        Raises:
            VideoFault: `unreadable`: FFmpeg cannot convert such pictures.
        """
        height, width = size or (self.info.height, self.info.width)
        if self.orientation.transpose:
            height, width = width, height
        try:
            picture = frame.reformat(
                width=width, height=height, format="rgb24", interpolation=_SCALING, threads=1
            ).to_ndarray()
        except (av.FFmpegError, ValueError) as error:
            message = f"{self.path}: its {frame.format.name} pictures cannot be converted to RGB"
            raise VideoFault("unreadable", f"{message} ({_reason(error)})") from None
        return self.orientation.apply(picture.astype(np.uint8, copy=False))


@contextmanager
def open_video(path: str | Path) -> Iterator[OpenVideo]:
    """Open a video file and decode its first frame. Seek before reading on.

    Raises:
        VideoFault: `file-missing`, `unreadable` or `no-video-stream`.
    """
    path = Path(path)
    with open_stream(path) as (container, stream):
        first = next(filter(None, decode_tolerantly(container, stream)), None)
        if first is None:
            raise VideoFault("unreadable", f"{path}: not one frame of it can be decoded")
        orientation = _orientation(first)
        width, height = first.width, first.height
        if orientation.transpose:
            width, height = height, width
        section = _section(path, container)
        fps = float(stream.average_rate or stream.guessed_rate or 0)
        if section is None:
            first_pts, duration = first.pts or 0, _duration(container, stream, first)
        else:  # times, rate and length are the whole video's
            first_pts, duration = _zero(path, section, stream), None
            fps = float(section.frame_rate)
        is_promised = section is None and _is_promised(path, container, stream)
        yield OpenVideo(
            path=path,
            container=container,
            stream=stream,
            info=VideoInfo(
                width=width,
                height=height,
                fps=fps,
                duration=duration,
                codec=stream.codec_context.codec.canonical_name,
                rotation=orientation.rotation,
            ),
            orientation=orientation,
            first_pts=first_pts,
            first=first,
            seconds_per_tick=float(stream.time_base or 0),
            announced=duration if is_promised else None,
            section=section,
        )


@contextmanager
def open_stream(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file at its start, with the stream that is its video.

    Raises:
        VideoFault: `file-missing`, `unreadable` or `no-video-stream`.
    """
    if not path.exists():
        raise VideoFault("file-missing", f"{path}: no such file")
    if not path.is_file():
        raise VideoFault("unreadable", f"{path}: is no file, but must be a video file")
    sign_of_life()
    try:
        # Only this file: a playlist that names other files or addresses is not followed. Titles
        # in another encoding than UTF-8 are none of our business.
        container = av.open(
            f"file:{path}", metadata_errors="replace", options={"protocol_whitelist": "file"}
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = "it is empty" if path.stat().st_size == 0 else _reason(error)
        raise VideoFault(
            "unreadable", f"{path}: cannot be read as a video ({reason}); is the file complete?"
        ) from None
    with container:
        yield container, _video_stream(path, container)


def demux(container: InputContainer, stream: VideoStream) -> Iterator["Packet[VideoStream]"]:
    """Packets from where the container stands; each is a sign of life to whoever watches."""
    for packet in container.demux(stream):
        sign_of_life()
        yield packet


def decode_tolerantly(
    container: InputContainer, stream: VideoStream
) -> Iterator[VideoFrame | None]:
    """Decode on from where the container stands, past what cannot be decoded.

    Yields:
        every frame, and None wherever something was lost.
    """
    try:
        for packet in demux(container, stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                yield None
                continue
            yield from (frame for frame in frames if isinstance(frame, VideoFrame))
    except av.FFmpegError:
        yield None


def _video_stream(path: Path, container: InputContainer) -> VideoStream:
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        kinds = ", ".join(sorted({stream.type for stream in container.streams}))
        raise VideoFault("no-video-stream", f"{path}: holds no video, only {kinds or 'nothing'}")
    stream = streams[0]
    if stream.codec_context is None:
        raise VideoFault("unreadable", f"{path}: FFmpeg has no decoder for its video")
    # One thread: several processes decode side by side already, and after a seek to a short span
    # frame threads would decode frames ahead that nobody asked for.
    stream.codec_context.thread_count = 1
    return stream


def _section(path: Path, container: InputContainer) -> SectionNote | None:
    note = SectionNote.from_metadata(container.metadata.items())
    if note is None and is_section(path):
        raise VideoFault(
            "unreadable",
            f"{path}: is named like a section of a video, but was not written by signflow download;"
            " give it another name, or delete it and fetch it again",
        )
    return note


def _zero(path: Path, section: SectionNote, stream: VideoStream) -> int:
    zero = section.zero / (stream.time_base or 1)
    if zero.denominator != 1:
        raise VideoFault("unreadable", f"{path}: its clock is not that of the section it was")
    return int(zero)


def _duration(container: InputContainer, stream: VideoStream, first: VideoFrame) -> float | None:
    """Seconds of video, as the file says or, where it does not, as FFmpeg estimates."""
    if "matroska" in container.format.name:  # and WebM: they say when the video ends
        end = _clock_seconds(stream.metadata.get("DURATION", ""))
        if end is None and container.duration:
            end = container.duration / av.time_base
        return None if end is None else end - (first.time or 0.0)
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _is_promised(path: Path, container: InputContainer, stream: VideoStream) -> bool:
    """Whether the duration is a promise: with less in the file, the file was cut off."""
    formats = set(container.format.name.split(","))
    if "mp4" in formats:
        # Headers of whole files are not always exact. The index is: it says where pictures lie.
        index = stream.index_entries
        return len(index) > 0 and index[-1].pos + index[-1].size > path.stat().st_size
    if "matroska" in formats:  # without the tag it is that of the longest stream, maybe of sound
        return "DURATION" in stream.metadata or len(container.streams) == 1
    return "avi" in formats


def _clock_seconds(text: str) -> float | None:
    """The seconds of "00:01:30.500000000"."""
    match = re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", text)
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def _orientation(frame: VideoFrame) -> Orientation:
    # A frame whose side data is looked at refers to itself from then on, and lives until the
    # garbage collector comes by: 1.4 MB a video at 1280 x 720. So a tiny copy is looked at.
    try:
        frame = frame.reformat(width=2, height=2, interpolation=Interpolation.POINT, threads=1)
    except (av.FFmpegError, ValueError):
        return Orientation()  # nor can it be converted to RGB, and that will be said there
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return Orientation()
    # Three rows of three; the upper left 2x2 says where the picture's x and y axes point.
    (a, b), (c, d) = np.frombuffer(data, dtype=np.int32).reshape(3, 3)[:2, :2].tolist()
    if abs(b) > abs(a):
        return Orientation(transpose=True, flip_rows=b < 0, flip_columns=c < 0)
    return Orientation(flip_rows=d < 0, flip_columns=a < 0)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")
