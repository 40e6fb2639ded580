"""How well augmented flow agrees with the flow of augmented frames; tests and a benchmark ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from signflow.training.augment.geometry import affine_maps, move_flow, move_frames, move_images
from signflow.training.augment.timing import retime_flow, retime_frames
from signflow.video import (
    Farneback,
    Span,
    VideoFault,
    compute_flow,
    decode_spans,
    dequantise_flow,
    quantise_flow,
    sample_even,
)

SIZE = 112
FRAMES = 16
BOUND = 32.0
REAL = Path(__file__).parents[2] / "shared" / "data"

# Near a border a flow method guesses: what is not this far inside, in pixels, is left out.
_MARGIN = 8
# What counts as moving, in pixels.
_MOVING = 1.0


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far augmented flow is from the flow of augmented frames, where things move.

    Attributes:
        error: median end-point difference, relative to the median motion.
        naive: the same for flow whose pictures are augmented, but not its vectors.
    """

    error: float
    naive: float


def in_place(frames: NDArray[np.uint8], **change: float | bool) -> Agreement:
    """Frames (T, H, W, 3) scaled, turned, mirrored or shifted; `change` is as in `one_map`."""
    linear, shift = one_map(**change)
    stored = stored_flow(frames)
    moved = move_frames(_channels_first(frames), linear, shift)
    inside = move_images(torch.ones(1, 1, *frames.shape[1:3]), linear, shift, replicate=False)
    naive = move_images(stored.flatten(1, 2), linear, shift, replicate=False).view_as(stored)
    return _compare(
        move_flow(stored, linear, shift), naive, again=flow_of(moved), inside=inside[0, 0] > 0.999
    )


def in_time(
    frames: NDArray[np.uint8], times: Sequence[float], *, truth: NDArray[np.uint8] | None = None
) -> Agreement:
    """Frames (T, H, W, 3) taken at other times; `truth`: what there was to be seen at them."""
    stored = stored_flow(frames)
    at = torch.tensor([times], dtype=torch.float64)
    first = _channels_first(frames)
    seen = retime_frames(first, at) if truth is None else _channels_first(truth)
    naive = stored[:, at[0, :-1].floor().long().clamp(max=len(frames) - 2)]
    moved = retime_flow(stored, at, pixels_per_step=1.0)
    some = at.diff()[0] > 0
    return _compare(
        moved[:, some],
        naive[:, some],
        again=flow_of(seen)[some.numpy()],
        inside=torch.ones(frames.shape[1:3]) > 0,
    )


def one_map(
    *,
    scale: float = 1.0,
    aspect: float = 1.0,
    rotation: float = 0.0,
    shift: float = 0.0,
    mirrored: bool = False,
) -> tuple[Tensor, Tensor]:
    """The map of one clip, as `affine_maps` gives it; shift is that to the right."""
    scales, aspects, rotations, shifts = (
        torch.tensor([value], dtype=torch.float64) for value in (scale, aspect, rotation, shift)
    )
    return affine_maps(
        scale=scales,
        aspect=aspects,
        rotation=rotations,
        shift=torch.stack([shifts, 0 * shifts], dim=1),
        mirrored=torch.tensor([mirrored]),
    )


def stored_flow(frames: NDArray[np.uint8]) -> Tensor:
    """Flow as a store has it, in pixels, (1, T-1, 2, H, W)."""
    stored, _ = quantise_flow(compute_flow(frames, method=Farneback()), bound=BOUND)
    return _channels_first(dequantise_flow(stored, bound=BOUND))


def flow_of(frames: Tensor) -> NDArray[np.float32]:
    """Flow of frames (1, T, 3, H, W), (T-1, H, W, 2), in pixels."""
    pictures = frames[0].permute(0, 2, 3, 1).round().clamp(0, 255).byte().numpy()
    return compute_flow(pictures, method=Farneback())


def moving_texture(times: Sequence[float]) -> NDArray[np.uint8]:
    """Pictures of a textured disc that moves and turns before a background that drifts."""
    random = np.random.default_rng(1)
    big = (2 * SIZE, 2 * SIZE, 3)
    grains = (cv2.GaussianBlur(random.random(big), (0, 0), 1.5) for _ in range(2))
    background, disc = (cv2.normalize(g, None, 0, 255, cv2.NORM_MINMAX) for g in grains)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    pictures = []
    for time in times:
        angle = 0.04 * time
        cx, cy = 32 + 3.0 * time, 66 - 1.5 * time
        u, v = x - cx, y - cy
        inside = 1 / (1 + np.exp(np.hypot(u, v) - 26))[..., None]
        turned_x = np.cos(angle) * u + np.sin(angle) * v + SIZE
        turned_y = -np.sin(angle) * u + np.cos(angle) * v + SIZE
        before = cv2.remap(disc, turned_x.astype(np.float32), turned_y.astype(np.float32), 1)
        drift = (x + SIZE / 2 - 0.5 * time).astype(np.float32)
        behind = cv2.remap(background, drift, y + SIZE / 2, 1)
        pictures.append(inside * before + (1 - inside) * behind)
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8)


def real_frames(video: Path, *, count: int = FRAMES) -> NDArray[np.uint8]:
    """Frames of a whole video, evenly over its time, uint8 (count, SIZE, SIZE, 3).

    Raises:
        VideoFault: it cannot be had, or has fewer frames.
    """
    spans = [Span(None, None)]
    ((_, found),) = decode_spans(
        video, spans=spans, count=count, choose=sample_even, size=(SIZE, SIZE)
    )
    if isinstance(found, VideoFault):
        raise found
    return found.frames


def _compare(
    augmented: Tensor, naive: Tensor, *, again: NDArray[np.float32], inside: Tensor
) -> Agreement:
    where = cv2.erode(
        inside.numpy().astype(np.uint8),
        np.ones((2 * _MARGIN + 1, 2 * _MARGIN + 1)),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    motion = np.hypot(again[..., 0], again[..., 1])
    moving = (motion > _MOVING) & (where > 0)
    apart = (
        np.median(np.linalg.norm(flow[0].permute(0, 2, 3, 1).numpy() - again, axis=3)[moving])
        for flow in (augmented, naive)
    )
    error, of_naive = (float(each / np.median(motion[moving])) for each in apart)
    return Agreement(error=error, naive=of_naive)


def _channels_first(images: NDArray[np.uint8] | NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float()[None]
