"""Where the frames of a span lie in a file, learnt from its packets without decoding them."""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from signflow.video.container import MAX_REORDER, OpenVideo, demux
from signflow.video.h264 import is_disposable, nal_lengths
from signflow.video.spans import Span

# Codecs whose packets say honestly which of them a decoder can start from. Of others (GIF, whose
# frames are painted over each other) it is not known, and they are decoded from the start.
_SEEKABLE = frozenset(
    {"h264", "hevc", "vvc", "av1", "vp8", "vp9"}
    | {"mpeg1video", "mpeg2video", "mpeg4", "mjpeg", "prores", "dnxhd", "ffv1"}
)

# How far to reach back, in seconds, when a seek lands behind what was wanted: MPEG transport
# streams have no index, and a seek lands on any packet.
_REACH_BACK = (0, 1, 4, 16, 64, 256)


class MismatchError(Exception):
    """The decoder did not give out what the packets promised: count by decoding instead.

    Attributes:
        time: presentation time, in ticks, of the packet or frame at which that was seen, if known.
    """

    def __init__(self, time: int | None = None) -> None:
        super().__init__(time)
        self.time = time


@dataclass(frozen=True)
class Stretch:
    """A piece of a video that begins at a keyframe.

    Attributes:
        keyframe: its presentation time, in ticks.
        times: the presentation time of every frame shown from then on, ascending, in ticks.
        end: presentation time at which the video ends, where the survey came as far; else None.
    """

    keyframe: int
    times: Sequence[int]
    end: int | None


def cluster(spans: Iterable[tuple[int, Span]]) -> list[list[tuple[int, Span]]]:
    """Gather numbered spans that overlap, in order of time."""
    clusters: list[list[tuple[int, Span]]] = []
    reached = -math.inf
    for index, span in sorted(spans, key=lambda numbered: numbered[1].first):
        if clusters and span.first <= reached:
            clusters[-1].append((index, span))
        else:
            clusters.append([(index, span)])
        reached = max(reached, span.limit)
    return clusters


def survey(video: OpenVideo, *, first: float, limit: float) -> Stretch | None:
    """Learn from the packets which frames lie from the keyframe before `first` up to `limit`.

    Args:
        video: the open video; its position is lost.
        first: seconds from the video's first frame.
        limit: likewise, exclusive; may be infinite.

    Returns:
        the stretch, or None where the packets do not say it (no or doubtful presentation times,
        damage, a codec or format that cannot be sought in).
    """
    if video.info.codec not in _SEEKABLE or not video.seconds_per_tick:
        return None
    target, stop = _ticks(video, max(first, 0.0)), _ticks(video, limit) + 1
    keyframe, times = target, list[int]()
    end, beyond, ended = video.first_pts, 0, True
    try:
        for packet in _packets_from(video, target):
            if packet.pts is None or packet.is_corrupt:
                return None
            if packet.is_keyframe and packet.pts <= target:
                keyframe, times = packet.pts, []
            if not _is_shown(packet, video.info.codec):
                continue
            times.append(packet.pts)
            end = max(end, packet.pts + (packet.duration or _frame_ticks(video)))
            beyond = beyond + 1 if packet.pts >= stop else 0
            if beyond > MAX_REORDER:
                ended = False
                break
    except (MismatchError, av.FFmpegError):
        return None
    # In an open GOP, frames shown before the keyframe follow it: they need the GOP before.
    shown = sorted(t for t in times if keyframe <= t < stop)
    if not shown or len(set(shown)) < len(shown):
        return None
    return Stretch(keyframe, shown, end if ended else None)


def merge(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Join stretches that overlap, so that no frame is decoded twice."""
    merged: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda stretch: stretch.keyframe):
        if merged and stretch.keyframe <= merged[-1].times[-1]:
            times = sorted({*merged[-1].times, *stretch.times})
            merged[-1] = Stretch(merged[-1].keyframe, times, stretch.end)
        else:
            merged.append(stretch)
    return merged


def decode_stretch(
    video: OpenVideo, stretch: Stretch, *, wanted: Collection[int]
) -> Iterator[VideoFrame]:
    """Seek to a stretch and decode what is needed of it, up to the last frame that is wanted.

    Args:
        video: the open video; its position is lost.
        stretch: as surveyed.
        wanted: presentation times, in ticks, of at least one frame of the stretch.

    Yields:
        the wanted frames, and those that had to be decoded for them, in the order of time.

    Raises:
        MismatchError: another frame came out than the packets promised, a damaged one, or none.
    """
    sent: set[int | None] = set()
    promised = iter(stretch.times)
    try:
        for packet in _needed_packets(video, stretch, wanted):
            time = packet.pts if packet else None
            sent.add(time)
            try:
                frames = video.stream.codec_context.decode(packet)
            except av.FFmpegError:
                raise MismatchError(time) from None
            for frame in frames:
                if not isinstance(frame, VideoFrame) or frame.pts is None:
                    raise MismatchError
                if frame.pts < stretch.keyframe:
                    continue
                if frame.pts != next((t for t in promised if t in sent), None) or frame.is_corrupt:
                    raise MismatchError(frame.pts)
                yield frame
    except av.FFmpegError:
        raise MismatchError from None
    if any(time in sent for time in promised):
        raise MismatchError


def _needed_packets(
    video: OpenVideo, stretch: Stretch, wanted: Collection[int]
) -> Iterator["Packet[VideoStream] | None"]:
    """Packets from a stretch's keyframe to the last wanted one, and None: that drains a decoder."""
    left: set[int | None] = set(wanted)
    may_skip = video.info.codec == "h264"
    lengths = nal_lengths(video.stream)
    started = False
    for packet in _packets_from(video, stretch.keyframe):
        started = started or (packet.is_keyframe and packet.pts == stretch.keyframe)
        if not started:
            continue
        if may_skip and packet.pts not in wanted and is_disposable(bytes(packet), lengths):
            continue
        yield packet
        left.discard(packet.pts)
        if not left:
            break
    yield None


def _packets_from(video: OpenVideo, target: int) -> Iterator["Packet[VideoStream]"]:
    """Packets from a keyframe on that is shown at or before `target`, in ticks."""
    for seconds in _REACH_BACK:
        position = target - round(seconds / video.seconds_per_tick)
        video.container.seek(position, stream=video.stream, backward=True)
        packets = demux(video.container, video.stream)
        keyframe = next((packet for packet in packets if packet.is_keyframe), None)
        if keyframe is not None and keyframe.pts is not None and keyframe.pts <= target:
            yield keyframe
            yield from (packet for packet in packets if packet.size)
            return
    raise MismatchError


def _is_shown(packet: "Packet[VideoStream]", codec: str) -> bool:
    if packet.is_discard:  # before the start of an MP4 edit list
        return False
    # VP8 has frames that are only referred to, in packets of their own: bit 4 of the first byte
    # is `show_frame` (RFC 6386, 9.1).
    return codec != "vp8" or bool(memoryview(packet)[0] & 0x10)


def _ticks(video: OpenVideo, seconds: float) -> int:
    # Far beyond any video, and safe from overflow inside FFmpeg.
    seconds = min(seconds, 1e8)
    return video.first_pts + math.floor(seconds / video.seconds_per_tick)


def _frame_ticks(video: OpenVideo) -> int:
    return round(1 / (video.info.fps * video.seconds_per_tick)) if video.info.fps else 0
