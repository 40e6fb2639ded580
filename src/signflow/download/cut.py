"""Cutting stretches out of a video that lies elsewhere, without loss.

Packets are copied, never decoded and encoded again, from the keyframe before a stretch to beyond
its end, into a file of the same kind (MP4 or Matroska): so time stamps stay exact, and what a
decoder gives out is what it gives out of the whole file. Every section is read again and compared
with what was to be written; a video for which that fails is not cut.
"""

import errno
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from signflow.annotations.sections import SectionNote, Stretch
from signflow.download.ranges import RemoteFile

# Codecs whose packets say honestly which of them a decoder can start from.
_CODECS = frozenset({"h264", "hevc", "av1", "vp8", "vp9", "mpeg4"})

# After so many packets past a stretch, none before its end can follow in a file, and a decoder has
# given out all that belongs to it: twice what H.264 and HEVC allow for, and the one by which the
# build's own survey of packets knows that it has seen enough. In VP8, every other packet may be of
# a frame that is not shown.
_BEYOND = {"vp8": 66}
_BEYOND_ELSE = 33

_SLACK = 0.001  # seconds: frames up to half a millisecond before a clip belong to it
_REACH_BACK = (0, 1, 4, 16)  # seconds, where a seek lands behind what was wanted

_LOCAL = {"format_whitelist": "mov,matroska", "protocol_whitelist": "file"}
_DISK = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS, errno.EACCES})

# A section of nearly all of a video saves nothing, and the whole one serves any clip.
_WHOLE_FROM = 0.8


class UncuttableError(Exception):
    """A video that cannot be cut without loss, or need not be; its text says why."""


@dataclass(frozen=True)
class _Packet:
    """What must come out of a section as it went in; times in seconds of the section's clock."""

    pts: Fraction
    size: int
    checksum: int
    is_keyframe: bool


class Cutter:
    """A remote video, opened, of which sections can be written.

    Args:
        remote: the file; it must outlive the cutter.

    Raises:
        UncuttableError: it is no video, or none that can be cut.
        UnavailableError: the file could not be read.
    """

    def __init__(self, remote: RemoteFile) -> None:
        self._remote = remote
        with _cutting(remote):
            self._container, self._stream = _open(remote)
            self._stream.codec_context.thread_count = 1
            first = next(self._container.decode(self._stream))
        if first.pts is None or not self._stream.time_base:
            raise UncuttableError("its frames have no times")
        self._first = first
        self._zero = first.pts
        self._tick = Fraction(self._stream.time_base)
        self._enough = _BEYOND.get(_codec(self._stream), _BEYOND_ELSE)
        self.suffix = ".mp4" if "mp4" in self._container.format.name else ".mkv"

    def close(self) -> None:
        """Close the video."""
        self._container.close()

    def is_mostly(self, stretches: list[Stretch]) -> bool:
        """Whether stretches make up most of the video, as far as its length is known."""
        length = self._length()
        if length is None:
            return False
        inside = (min(s.end, length) - min(s.start, length) for s in stretches)
        return sum(inside) >= _WHOLE_FROM * length

    def write(self, stretch: Stretch, path: Path) -> None:
        """Write the section of a stretch to a file.

        Raises:
            UncuttableError: it would not decode to what the whole video decodes to.
            UnavailableError: the video could not be read to the end of the stretch.
            OSError: the file cannot be written.
        """
        with _cutting(self._remote):
            packets = self._packets(stretch)
            written = self._copy(packets, stretch, path)
        with _cutting(self._remote):
            self._verify(path, written)

    def _copy(
        self, packets: Iterator["Packet[VideoStream]"], stretch: Stretch, path: Path
    ) -> list[_Packet]:
        first = next(packets)
        base = first.pts if first.dts is None else first.dts
        assert base is not None
        rate = self._stream.average_rate or self._stream.guessed_rate or 0
        note = SectionNote(
            stretch=stretch, zero=(self._zero - base) * self._tick, frame_rate=Fraction(rate)
        )
        written = []
        # Without an edit list, the time stamps in an MP4 are the packets' own.
        options = {"use_editlist": "0"} if self.suffix == ".mp4" else {}
        format_name = "mp4" if self.suffix == ".mp4" else "matroska"
        with av.open(str(path), "w", format=format_name, container_options=options) as section:
            section.metadata["comment"] = note.to_text()
            copy: Any = section.add_stream_from_template(self._stream, opaque=True)
            for packet in _with(first, packets):
                self._remote.check()
                assert packet.pts is not None
                packet.pts -= base
                if packet.dts is not None:
                    packet.dts -= base
                written.append(_seen(packet, self._tick))
                packet.stream = copy
                section.mux(packet)
        return written

    def _packets(self, stretch: Stretch) -> Iterator["Packet[VideoStream]"]:
        """The packets from the keyframe before a stretch on, until none can belong to it."""
        target = self._zero + math.floor(max(0.0, stretch.start - _SLACK) / self._tick)
        stop = math.inf
        if math.isfinite(stretch.end):
            stop = self._zero + math.ceil(stretch.end / self._tick)
        beyond, seen = 0, set[int]()
        for packet in self._from_keyframe(target, stretch):
            if packet.pts is None or packet.is_corrupt or packet.pts in seen:
                raise UncuttableError("its packets have no sound times")
            if packet.is_discard and packet.pts >= self._zero:
                raise UncuttableError("its file leaves out frames on the way")
            seen.add(packet.pts)
            beyond = beyond + 1 if packet.pts >= stop else 0
            yield packet  # and its times are not ours any more
            if beyond == self._enough:
                return
        self._remote.check()

    def _from_keyframe(self, target: int, stretch: Stretch) -> Iterator["Packet[VideoStream]"]:
        for seconds in _REACH_BACK:
            position = target - round(seconds / self._tick)
            self._container.seek(position, stream=self._stream, backward=True)
            self._expect(stretch)
            packets = (packet for packet in self._container.demux(self._stream) if packet.size)
            keyframe = next((packet for packet in packets if packet.is_keyframe), None)
            if keyframe is not None and keyframe.pts is not None and keyframe.pts <= target:
                return _with(keyframe, packets)
        raise UncuttableError("a seek in it lands in the wrong place")

    def _expect(self, stretch: Stretch) -> None:
        length, rate = self._length(), self._stream.average_rate or self._stream.guessed_rate
        if length and rate:
            seconds = min(stretch.end + self._enough / float(rate), length) - stretch.start
            self._remote.expect(int(self._remote.size * max(0.0, min(1.0, seconds / length))))

    def _length(self) -> float | None:
        """Seconds, as far as the file's header says."""
        return self._container.duration / av.time_base if self._container.duration else None

    def _verify(self, path: Path, written: list[_Packet]) -> None:
        with av.open(str(path), options=_LOCAL) as section:
            stream = section.streams.video[0]
            tick = Fraction(stream.time_base or 0)
            read = [_seen(packet, tick) for packet in section.demux(stream) if packet.size]
            section.seek(0)
            first = next(section.decode(stream))
            # Ticks half as long give the very same times: a power of two is exact.
            halvings = self._tick / tick
            same_clock = halvings.denominator == 1 and halvings.numerator.bit_count() == 1
            same_data = stream.codec_context.extradata == self._stream.codec_context.extradata
        if not (
            read == written and same_clock and same_data and _look(first) == _look(self._first)
        ):
            raise UncuttableError("a section of it would not be the same")


def _open(remote: RemoteFile) -> tuple[InputContainer, VideoStream]:
    # Containers only, and no protocol: whatever the file says, nothing but the file is read.
    options = {"format_whitelist": "mov,matroska", "protocol_whitelist": "none"}
    container: InputContainer = av.open(remote, "r", metadata_errors="replace", options=options)
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams or streams[0].codec_context is None:
        raise UncuttableError("it holds no video that can be decoded")
    stream = streams[0]
    if _codec(stream) not in _CODECS:
        raise UncuttableError(f"{_codec(stream)} is not known to be cut without loss")
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all  # so that sound between the pictures is passed over
    index = stream.index_entries
    if "mp4" in container.format.name and index and index[-1].pos + index[-1].size > remote.size:
        raise UncuttableError("the file was cut off")
    return container, stream


def _codec(stream: VideoStream) -> str:
    return stream.codec_context.codec.canonical_name


@contextmanager
def _cutting(remote: RemoteFile) -> Iterator[None]:
    """Tell what goes wrong with the network from what goes wrong with the video."""
    try:
        yield
    except UncuttableError:
        remote.check()  # it may seem so only because reading ended
        raise
    except (FFmpegError, StopIteration, ValueError) as error:
        remote.check()
        if isinstance(error, FFmpegError) and error.errno in _DISK:
            raise OSError(error.errno, error.strerror) from None
        said = getattr(error, "strerror", None) or "no frame in it"
        raise UncuttableError(f"it cannot be read in parts ({said})") from None
    remote.check()


def _seen(packet: "Packet[VideoStream]", tick: Fraction) -> _Packet:
    checksum = zlib.crc32(memoryview(packet))
    return _Packet((packet.pts or 0) * tick, packet.size, checksum, packet.is_keyframe)


def _look(frame: VideoFrame) -> tuple[Any, ...]:
    """What of a frame says how it is to be displayed."""
    turned: Any = None
    with suppress(KeyError):
        turned = frame.side_data.get("DISPLAYMATRIX")
    colours = (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc)
    shape = (frame.width, frame.height, frame.format.name)
    return *shape, *colours, None if turned is None else bytes(turned)


def _with(
    first: "Packet[VideoStream]", others: Iterator["Packet[VideoStream]"]
) -> Iterator["Packet[VideoStream]"]:
    yield first
    yield from others
