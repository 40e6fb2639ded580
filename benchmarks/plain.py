"""The way of the report, as a competent student writes it: what signflow is measured against.

Each clip is read by an OpenCV capture of its own, which seeks to its first frame (or, where that
is asked for, reads up to it, as whoever does not trust seeking does). All its frames are written
as JPEG files. Ten of them are read back, and Farneback's flow (or DIS) between them is computed at
the video's full size, one pair after the other, and written as two grey JPEG files a pair. To
train, files are read again, scaled to 224 x 224 and kept in RAM as floats; the optimiser is
`torch.optim.Adam` with its defaults. Nothing here is made slow on purpose, and nothing needs more
than OpenCV, NumPy and PyTorch.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

FRAMES = 10
SIZE = 224
BOUND = 64.0
"""Pixels of flow, at the size it is stored in, that the ends of the byte's scale stand for."""

Flow = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class PlainClip:
    """A stretch of a video, seconds; end None: to its end."""

    video: Path
    start: float = 0.0
    end: float | None = None


def farneback(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The report's flow."""
    return cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 5, 11, 5, 5, 1.1, 0)


def dis(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float32]:
    """DIS with OpenCV's preset `medium`."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return search.calc(before, after, None)


def prepare(clip: PlainClip, folder: Path, *, flow: Flow = farneback, seek: bool = True) -> None:
    """From a clip to its JPEG files: frames 00000.jpg ..., flow x0.jpg, y0.jpg, ... y8.jpg."""
    folder.mkdir(parents=True)
    count = _write_frames(clip, folder, seek=seek)
    step = count // FRAMES
    chosen = [cv2.imread(str(folder / f"{k * step:05d}.jpg")) for k in range(FRAMES)]
    greys = [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in chosen]
    for pair in range(FRAMES - 1):
        moved = flow(greys[pair], greys[pair + 1])
        bound = BOUND * moved.shape[1] / SIZE
        scaled = np.clip(np.rint(moved * (127 / bound)) + 128, 1, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"x{pair}.jpg"), scaled[..., 0])
        cv2.imwrite(str(folder / f"y{pair}.jpg"), scaled[..., 1])


def _write_frames(clip: PlainClip, folder: Path, *, seek: bool) -> int:
    capture = cv2.VideoCapture(str(clip.video))
    rate = capture.get(cv2.CAP_PROP_FPS)
    first = round(clip.start * rate)
    wanted = math.inf if clip.end is None else round(clip.end * rate) - first
    if seek and first:
        capture.set(cv2.CAP_PROP_POS_FRAMES, first)
    elif first:
        for _ in range(first):
            capture.grab()
    count = 0
    while count < wanted:
        there, frame = capture.read()
        if not there:
            break
        cv2.imwrite(str(folder / f"{count:05d}.jpg"), frame)
        count += 1
    capture.release()
    return count


def read_middle_frame(folder: Path) -> NDArray[np.uint8]:
    """uint8 (SIZE, SIZE, 3), RGB."""
    step = len(list(folder.glob("[0-9]*.jpg"))) // FRAMES
    return _scaled(cv2.imread(str(folder / f"{FRAMES // 2 * step:05d}.jpg"))[..., ::-1])


def read_frames(folder: Path, *, count: int = FRAMES) -> NDArray[np.uint8]:
    """uint8 (count, SIZE, SIZE, 3), RGB."""
    step = len(list(folder.glob("[0-9]*.jpg"))) // count
    frames = [cv2.imread(str(folder / f"{k * step:05d}.jpg")) for k in range(count)]
    return np.stack([_scaled(frame[..., ::-1]) for frame in frames])


def read_flow(folder: Path) -> NDArray[np.uint8]:
    """uint8 (2 (FRAMES - 1), SIZE, SIZE): x0, y0, x1, ... as channels."""
    names = [f"{axis}{pair}.jpg" for pair in range(FRAMES - 1) for axis in "xy"]
    return np.stack([_scaled(cv2.imread(str(folder / n), cv2.IMREAD_GRAYSCALE)) for n in names])


def _scaled(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.resize(np.ascontiguousarray(picture), (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def train_steps(
    rgb: "torch.Tensor", flow: "torch.Tensor", labels: "torch.Tensor", *, classes: int
) -> Iterator[float]:
    """Early fusion as the report describes it: one step on the batch each time, yielding the loss.

    Args:
        rgb: float32 (B, 3, H, W).
        flow: float32 (B, 18, H, W).
        labels: int64 (B,).
        classes: how many.
    """
    import torch
    from torch import nn

    def features(channels: int) -> nn.Module:
        return nn.Sequential(
            *(nn.Conv2d(channels, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        )

    size = 2 * 64 * (rgb.shape[-1] // 4) ** 2
    see, feel = features(3), features(18)
    classify = nn.Sequential(nn.Dropout(0.5), nn.Linear(size, 1000), nn.Linear(1000, classes))
    optimizer = torch.optim.Adam([*see.parameters(), *feel.parameters(), *classify.parameters()])
    while True:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(
            classify(torch.cat([see(rgb), feel(flow)], dim=1)), labels
        )
        loss.backward()
        optimizer.step()
        yield loss.item()
