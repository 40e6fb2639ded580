"""A batch, augmented."""

from dataclasses import replace

from signflow.training.augment.appearance import add_noise, erase_still, recolour
from signflow.training.augment.draws import Draws
from signflow.training.augment.geometry import draw_maps
from signflow.training.augment.mixing import draw_mix
from signflow.training.augment.streams import Streams
from signflow.training.augment.strengths import Augmentation
from signflow.training.augment.timing import draw_times
from signflow.training.batches import Batch

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
        >>> (part,) = parts_of(rows, batch_size=16)
        >>> augment(batch, PRESETS["light"], Draws(0, part), bound=32.0, classes=10).rgb.dtype
        torch.float32
    """
    if strengths.off:
        return batch
    streams = Streams.of(batch, bound=bound)
    if strengths.retimes and streams.times > 1:
        streams = streams.retimed(draw_times(strengths, draws, frames=streams.times))
    if strengths.moves:
        streams = streams.moved(*draw_maps(strengths, draws))
    if streams.frames is not None:
        streams = _change_looks(streams, strengths, draws)
    if strengths.noise:
        deviations = strengths.noise * draws.uniform()
        for images, by in ((streams.frames, 1.0), (streams.flow, _FLOW_NOISE)):
            if images is not None:
                add_noise(images, by * deviations, draws.generators(images.device))
    changed = streams.onto(batch)
    if not (strengths.mixup or strengths.cutmix):
        return changed
    mix = draw_mix(strengths, draws, size=streams.size, device=batch.labels.device)
    return replace(
        changed,
        rgb=None if changed.rgb is None else mix.images(changed.rgb),
        flow=None if changed.flow is None else mix.images(changed.flow),
        labels=mix.labels(batch.labels, classes=classes),
    )


def _change_looks(streams: Streams, strengths: Augmentation, draws: Draws) -> Streams:
    frames = streams.frames
    assert frames is not None
    if strengths.erase_still:
        frames = erase_still(
            frames,
            streams.flow,
            chosen=draws.uniform() < strengths.erase_still,
            noisy=draws.uniform() < 0.5,
            pixels_per_step=streams.pixels_per_step,
            generators=draws.generators(frames.device),
        )
    if strengths.recolours:
        frames = recolour(frames, strengths, draws)
    return replace(streams, frames=frames)
