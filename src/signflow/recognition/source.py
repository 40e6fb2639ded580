"""What a video may be given as."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

Video = Path | str | BinaryIO | NDArray[np.uint8]
"""The path of a file or a folder of images, a file open for reading bytes, or frames: uint8
(T, H, W, 3), RGB."""


def name_of(video: Video) -> str:
    """What a video is called in messages."""
    if isinstance(video, Path | str):
        return str(video)
    if isinstance(video, np.ndarray):
        return "frames"
    name = getattr(video, "name", None)
    return name if isinstance(name, str) else "video"


@contextmanager
def on_disk(video: Path | str | BinaryIO) -> Iterator[Path]:
    """Yield where a video lies; an open file is copied, since decoding opens a file several times.

    The copy is gone after the block.

    Raises:
        ValueError: the file was not opened for reading bytes.
    """
    if isinstance(video, Path | str):
        yield Path(video)
        return
    if not isinstance(video.read(0), bytes):
        raise ValueError(
            f"{name_of(video)}: was opened as text, but must be open for reading bytes"
        )
    with tempfile.TemporaryDirectory(prefix="signflow-") as folder:
        # FFmpeg goes by the content, and by the suffix where that says nothing.
        path = Path(folder) / f"video{Path(name_of(video)).suffix}"
        with path.open("wb") as copy:
            shutil.copyfileobj(video, copy)
        yield path
