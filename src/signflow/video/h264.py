"""Which packets of H.264 no other picture builds on, by their headers (ITU-T H.264, 7.3.1)."""

from collections.abc import Iterator

from av.video.stream import VideoStream

_PICTURE = range(1, 6)
_MAY_BE_LEFT_OUT = frozenset({6, 9, 12})
"""Beside pictures: remarks on them, delimiters, filling."""

_START_CODE = b"\0\0\1"


def nal_lengths(stream: VideoStream) -> int:
    """How many bytes say how long a unit of a packet is: 1 to 4; 0: start codes part the units."""
    header = stream.codec_context.extradata or b""
    # Of MP4 and Matroska it is an AVC decoder configuration record (ISO/IEC 14496-15, 5.3.3.1).
    return 1 + (header[4] & 3) if len(header) > 4 and header[0] == 1 else 0


def is_disposable(packet: bytes, lengths: int) -> bool:
    """Whether a packet holds nothing that another picture could need.

    Args:
        packet: a whole picture, or both of its fields.
        lengths: see `nal_lengths`.

    Example:
        >>> is_disposable(bytes([0, 0, 0, 2, 0x01, 0x9A]), 4)
        True
        >>> is_disposable(bytes([0, 0, 0, 2, 0x41, 0x9A]), 4)
        False
    """
    has_picture = False
    for header in _headers(packet, lengths):
        kind, importance = header & 31, header >> 5 & 3
        if kind in _PICTURE:
            if importance:
                return False
            has_picture = True
        elif kind not in _MAY_BE_LEFT_OUT:
            return False
    return has_picture


def _headers(packet: bytes, lengths: int) -> Iterator[int]:
    """The first byte of each unit."""
    position = 0
    while lengths and position + lengths < len(packet):
        yield packet[position + lengths]
        position += lengths + int.from_bytes(packet[position : position + lengths])
    while not lengths and (position := packet.find(_START_CODE, position)) >= 0:
        position += len(_START_CODE)
        yield from packet[position : position + 1]
