"""Whether what came is a video."""

from pathlib import Path

import av
from av.error import FFmpegError

from signflow.annotations.media import VIDEO_SUFFIXES
from signflow.download.outcome import UnavailableError

# Containers only. FFmpeg also takes text files for playlists (HLS, DASH, concat) and follows the
# paths and addresses in them: such a file must never come to lie among the videos.
_FORMATS = "mov,matroska,avi,flv,mpeg,mpegts,mpegvideo,asf,ogg,gif"
_SUFFIXES = {
    "mov": ".mp4",
    "matroska": ".mkv",
    "avi": ".avi",
    "flv": ".flv",
    "mpeg": ".mpg",
    "mpegts": ".ts",
    "mpegvideo": ".mpg",
    "asf": ".wmv",
    "ogg": ".ogv",
    "gif": ".gif",
}


def video_suffix(path: Path, *, proposed: str, came_as: str) -> str:
    """Check that a file is a video, one frame of which can be decoded; return a suffix for it.

    Args:
        path: the file.
        proposed: the suffix to keep if it is a video's, such as that of the address.
        came_as: what the server called it, for the message.

    Raises:
        UnavailableError: it is no video.
    """
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
    try:
        with av.open(str(path), options=options) as container:
            if not container.streams.video:
                raise UnavailableError("failed", f"no video: what came ({came_as}) has no picture")
            next(container.decode(container.streams.video[0]))
            name = container.format.name.partition(",")[0]
    except (FFmpegError, StopIteration) as error:
        said = getattr(error, "strerror", None) or "no frame in it"
        raise UnavailableError("failed", f"no video: what came ({came_as}) says {said!r}") from None
    if proposed.lower() in VIDEO_SUFFIXES:
        return proposed.lower()
    return _SUFFIXES.get(name, ".mp4")
