"""A clip that is a folder of numbered images: Jester and RWTH-PHOENIX are shipped so."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from signflow.annotations.media import IMAGE_SUFFIXES, is_image
from signflow.video.choice import Pick, Request, find_fault, pick_frames
from signflow.video.container import open_video
from signflow.video.spans import DecodedSpan, Span, VideoFault, VideoInfo
from signflow.video.view import View, view_frame

DEFAULT_FRAME_RATE = 25.0
"""Images per second where nobody says: that of RWTH-PHOENIX. Jester has 12."""

_Picture = tuple[NDArray[np.uint8], VideoInfo]


def decode_images(
    request: Request, spans: dict[int, Span], *, frame_rate: float
) -> Iterator[tuple[int, DecodedSpan | VideoFault]]:
    """Serve spans of a folder of images; image n is shown at n / frame_rate seconds.

    Only the images that are kept are opened, each once and each scaled by itself, so that their
    sizes may differ. One that cannot be read spoils the spans that keep it.

    Args:
        request: its path is a folder.
        spans: what is wanted, sound in itself, by position in the request.
        frame_rate: images per second, above 0.

    Yields:
        what `decode_spans` yields.
    """
    try:
        files = list_images(request.path)
    except VideoFault as none_at_all:
        for index in spans:
            yield index, none_at_all
        return
    times = np.arange(len(files)) / frame_rate
    picks: list[Pick] = []
    for index, span in spans.items():
        length = len(files) / frame_rate
        fault = find_fault(request, span, times, length=length, announced=None)
        if fault:
            yield index, fault
        else:
            picks.append(pick_frames(request, index, range(len(files)), times))
    yield from _keep(request, picks, files, frame_rate=frame_rate)


def list_images(folder: Path) -> list[Path]:
    """List a folder's images in natural order: 2.jpg before 10.jpg, whatever the leading zeros.

    Raises:
        VideoFault: `unreadable`, or `no-video-stream` where there is none.
    """
    try:
        with os.scandir(folder) as found:
            names = [entry.name for entry in found if is_image(entry.name) and entry.is_file()]
    except OSError as error:
        raise VideoFault("unreadable", f"{folder}: cannot be read ({error.strerror})") from None
    if not names:
        kinds = ", ".join(sorted(IMAGE_SUFFIXES))
        raise VideoFault("no-video-stream", f"{folder}: is a folder without images ({kinds})")
    return [folder / name for name in sorted(names, key=_natural)]


def _natural(name: str) -> tuple[list[str | int], str]:
    # Texts and numbers take turns, text first: like is compared with like.
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name


def _keep(
    request: Request, picks: list[Pick], files: list[Path], *, frame_rate: float
) -> Iterator[tuple[int, DecodedSpan | VideoFault]]:
    """Read the wanted images; forget each when the last span that wants it is given out."""
    needed = Counter(key for pick in picks for key in set(request.keys(pick)))
    kept: dict[tuple[int, View], _Picture | VideoFault] = {}
    for pick in sorted(picks, key=lambda pick: pick.last):
        keys = request.keys(pick)
        for number, view in keys:
            if (number, view) not in kept:
                kept[number, view] = _read(files[number], view)
        pictures = [kept[key] for key in keys]
        needed.subtract(set(keys))
        for done in [key for key in set(keys) if not needed[key]]:
            del kept[done]
        yield pick.index, _together(request, pick, pictures, len(files) / frame_rate, frame_rate)


def _read(path: Path, view: View) -> _Picture | VideoFault:
    try:
        with open_video(path) as image:
            if image.info.codec == "mjpeg" and not _has_end(path.read_bytes()):
                return VideoFault("truncated", f"{path}: is cut off: its JPEG picture has no end")
            return view_frame(image, image.first, view), image.info
    except VideoFault as fault:
        return fault
    except OSError as error:
        return VideoFault("unreadable", f"{path}: cannot be read ({error.strerror})")


def _has_end(jpeg: bytes) -> bool:
    """Whether the last scan is followed by an end of image.

    FFmpeg paints what is missing grey and says nothing. Within a scan, 0xFF is always stuffed or a
    restart, so these two markers cannot be pixels (ITU T.81, B.1.1.5).
    """
    return jpeg.rfind(b"\xff\xd9") > jpeg.rfind(b"\xff\xda")


def _together(
    request: Request,
    pick: Pick,
    pictures: list[_Picture | VideoFault],
    duration: float,
    frame_rate: float,
) -> DecodedSpan | VideoFault:
    read: list[_Picture] = []
    for picture in pictures:
        if isinstance(picture, VideoFault):
            return picture
        read.append(picture)
    if len({frame.shape for frame, _ in read}) > 1:
        return VideoFault(
            "unreadable", f"{request.path}: its images differ in size; give a size to scale them to"
        )
    first = read[0][1]
    info = VideoInfo(
        width=first.width,
        height=first.height,
        fps=frame_rate,
        duration=duration,
        codec=first.codec,
        rotation=first.rotation,
    )
    return DecodedSpan(np.stack([frame for frame, _ in read]), pick.times, pick.n_frames, info)
