"""A batch, augmented."""

from dataclasses import replace

import torch
from torch import Tensor

from signflow.training.augment.appearance import add_noise, erase_still, recolour
from signflow.training.augment.draws import Draws
from signflow.training.augment.geometry import draw_maps, move_flow, move_frames
from signflow.training.augment.mixing import draw_mix
from signflow.training.augment.strengths import Augmentation
from signflow.training.augment.timing import draw_times, retime_flow, retime_frames
from signflow.training.batches import Batch
from signflow.video.quantise import STEPS, ZERO

_FLOW_NOISE = 1 / 8


def augment(
    batch: Batch, strengths: Augmentation, draws: Draws, *, bound: float, classes: int
) -> Batch:
    """Change clips at random so that frames, flow and labels still agree.

    In this order: time, place, background, colour, noise, mixing. Every clip has one map of time
    and one of place, for its frames and its flow; only mixing looks at other clips of the batch.

    Args:
        batch: as it was read.
        strengths: how much of what.
        draws: the random numbers for the clips of the batch.
        bound: of the flow, in pixels.
        classes: number of signs.

    Returns:
        frames and flow as float32 on the scale of the bytes, 0 to 255 and 1 to 255; labels as
        shares (B, classes) where clips are mixed. The batch itself where all strengths are 0.

    Example:
        >>> rows = ...
        >>> (part,) = parts_of(rows, batch_size=16)
        >>> augment(batch, PRESETS["light"], Draws(0, part), bound=32.0, classes=10).rgb.dtype
        torch.float32
    """
    if strengths.off:
        return batch
    frames = None if batch.rgb is None else _channels_first(batch.rgb)
    flow = None if batch.flow is None else _channels_first(batch.flow).sub_(ZERO)
    frames, flow = _retime(frames, flow, strengths, draws, pixels_per_step=bound / STEPS)
    if strengths.moves:
        linear, shift = draw_maps(strengths, draws)
        frames = None if frames is None else move_frames(frames, linear, shift)
        flow = None if flow is None else move_flow(flow, linear, shift)
    if frames is not None:
        frames = _change_looks(frames, flow, strengths, draws, pixels_per_step=bound / STEPS)
    if strengths.noise:
        deviations = strengths.noise * draws.uniform()
        if frames is not None:
            frames = add_noise(frames, deviations, draws.generators(frames.device))
        if flow is not None:
            flow = add_noise(flow, deviations * _FLOW_NOISE, draws.generators(flow.device))
    frames = None if frames is None else frames.clamp(0, 255)
    flow = None if flow is None else flow.clamp(-STEPS, STEPS).add_(ZERO)
    labels = batch.labels
    if strengths.mixup or strengths.cutmix:
        size = next(images.shape[-2:] for images in (frames, flow) if images is not None)
        mix = draw_mix(strengths, draws, size=(size[0], size[1]), device=labels.device)
        frames = None if frames is None else mix.images(frames)
        flow = None if flow is None else mix.images(flow)
        labels = mix.labels(labels, classes=classes)
    return replace(batch, rgb=_channels_last(frames), flow=_channels_last(flow), labels=labels)


def _retime(
    frames: Tensor | None,
    flow: Tensor | None,
    strengths: Augmentation,
    draws: Draws,
    *,
    pixels_per_step: float,
) -> tuple[Tensor | None, Tensor | None]:
    """Of a middle frame alone there is no other to take: it stays."""
    count = max(1 if frames is None else frames.shape[1], 0 if flow is None else flow.shape[1] + 1)
    if not strengths.retimes or count == 1:
        return frames, flow
    times = draw_times(strengths, draws, frames=count)
    if frames is not None and frames.shape[1] == count:
        frames = retime_frames(frames, times)
    if flow is not None:
        flow = retime_flow(flow, times, pixels_per_step=pixels_per_step)
    return frames, flow


def _change_looks(
    frames: Tensor,
    flow: Tensor | None,
    strengths: Augmentation,
    draws: Draws,
    *,
    pixels_per_step: float,
) -> Tensor:
    if strengths.erase_still:
        frames = erase_still(
            frames,
            flow,
            chosen=draws.uniform() < strengths.erase_still,
            noisy=draws.uniform() < 0.5,
            pixels_per_step=pixels_per_step,
            generators=draws.generators(frames.device),
        )
    return recolour(frames, strengths, draws) if strengths.recolours else frames


def _channels_first(images: Tensor) -> Tensor:
    return images.permute(0, 1, 4, 2, 3).to(torch.float32, memory_format=torch.contiguous_format)


def _channels_last(images: Tensor | None) -> Tensor | None:
    return None if images is None else images.permute(0, 1, 3, 4, 2)
