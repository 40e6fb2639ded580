"""What a clip may be on disk: a video file, or a folder of numbered images."""

import os
from pathlib import Path, PurePath

VIDEO_SUFFIXES = frozenset(
    {".3gp", ".avi", ".flv", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"}
    | {".mts", ".ogv", ".ts", ".webm", ".wmv"}
)
IMAGE_SUFFIXES = frozenset({".jpeg", ".jpg", ".png"})


def is_image(name: str) -> bool:
    """Whether a file name is that of one of a clip's images: by its suffix, and not hidden.

    Example:
        >>> [is_image(name) for name in ("00001.jpg", "1.PNG", "._00001.jpg", "notes.txt")]
        [True, True, False, False]
    """
    return PurePath(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith(".")


def is_image_folder(path: Path) -> bool:
    """Whether a folder holds at least one image itself (not in folders below it)."""
    if not path.is_dir():
        return False
    with os.scandir(path) as found:
        return any(is_image(entry.name) for entry in found)


def is_clip(path: Path) -> bool:
    """Whether a path is a clip's: a file with the suffix of a video, or a folder of images.

    Names that start with a dot are not, and a link that leads nowhere is: the build says so.
    """
    if path.name.startswith("."):
        return False
    if path.is_dir():
        return is_image_folder(path)
    return path.suffix.lower() in VIDEO_SUFFIXES


def index_videos(folder: Path) -> dict[str, Path]:
    """List a folder's clips by the name that annotations give them: the file name without suffix.

    Where several share a name, .mp4 wins, then other videos by name, then a folder of images.
    """
    found = sorted(
        (path for path in folder.iterdir() if is_clip(path)),
        key=lambda path: (path.is_dir(), path.suffix.lower() != ".mp4", path.name),
    )
    # A folder's name is its name, dots and all.
    return {path.name if path.is_dir() else path.stem: path for path in reversed(found)}
