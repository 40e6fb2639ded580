"""What the tests of the rendered signers share."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from signflow.synth import SynthConfig

MSASL = Path(__file__).parents[3] / "shared" / "data" / "msasl"

SMALL = SynthConfig(
    train=8, val=3, test=3, clips_per_video=4, width=160, height=120, fps=20, seed=3
)
"""A set that renders in a second."""


def decode(path: Path) -> tuple[np.ndarray, list[Fraction]]:
    """Return all pictures, (T, H, W) grey, and their times in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        times = [frame.pts * frame.time_base for frame in frames]
        return np.stack([luma(frame) for frame in frames]), times


def luma(frame: av.VideoFrame) -> np.ndarray:
    """Return a frame's brightness, (H, W) uint8, as it was coded."""
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(frame.height, plane.line_size)
    return rows[:, : frame.width].copy()


def frame_at(path: Path, seconds: float) -> tuple[np.ndarray, float]:
    """Seek, and return the picture (H, W), grey, that is shown at `seconds`, and its time."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        container.seek(int(seconds / stream.time_base), stream=stream)
        for frame in container.decode(stream):
            if frame.time + 0.5 / float(stream.average_rate) >= seconds:
                return luma(frame), frame.time
    raise AssertionError(f"nothing at {seconds}")


def msasl_entry(link: str, **changes: Any) -> dict[str, Any]:
    """Return an entry as in the real files."""
    return {
        "org_text": "hello",
        "clean_text": "hello",
        "start_time": 0.5,
        "signer_id": 7,
        "signer": 3,
        "start": 10,
        "end": 50,
        "file": "Hello",
        "label": 0,
        "height": 120.0,
        "fps": 20.0,
        "end_time": 2.5,
        "url": link,
        "text": "hello",
        "box": [0.05, 0.2, 1.0, 0.8],
        "width": 160.0,
    } | changes
