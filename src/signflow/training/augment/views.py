"""One clip seen in several ways, for scores that are averaged when a run is evaluated."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from signflow.training.augment.geometry import affine_maps
from signflow.training.augment.streams import Streams
from signflow.training.batches import Batch


@dataclass(frozen=True, kw_only=True)
class View:
    """A way to see a clip.

    Attributes:
        scale: above 1 enlarges.
        rotation: degrees, clockwise.
        shift: to the right, a share of the width.
        cut: share of the clip's time that is cut off at either end, the rest being stretched.
        mirrored: left for right.
    """

    scale: float = 1.0
    rotation: float = 0.0
    shift: float = 0.0
    cut: float = 0.0
    mirrored: bool = False


VIEWS = (
    View(),
    View(scale=1.1),
    View(cut=0.05),
    View(scale=1 / 1.1),
    View(rotation=5.0),
    View(rotation=-5.0),
    View(shift=0.05),
    View(shift=-0.05),
)
"""In the order in which they are used: the first is the clip as it is."""


def views_of(batch: Batch, *, count: int, mirrored: bool, bound: float) -> Iterator[Batch]:
    """Yield a batch in several views, always the same ones.

    Args:
        batch: as it was read.
        count: how many views, 1 to 8; the first is the batch itself.
        mirrored: every view is followed by its mirror image, which counts as a view; for models
            that were trained with flips.
        bound: of the flow, in pixels.

    Raises:
        ValueError: count is out of range.
    """
    if not 1 <= count <= len(VIEWS):
        raise ValueError(f"count is {count}; must be 1 to {len(VIEWS)}")
    ways: tuple[View, ...] = VIEWS
    if mirrored:
        ways = tuple(way for view in VIEWS for way in (view, replace(view, mirrored=True)))
    for view in ways[:count]:
        yield batch if view == View() else _seen(batch, view, bound=bound)


def _seen(batch: Batch, view: View, *, bound: float) -> Batch:
    clips = len(batch.clip_ids)
    streams = Streams.of(batch, bound=bound)
    if view.cut and streams.times > 1:
        last = streams.times - 1
        times = torch.linspace(view.cut, 1 - view.cut, streams.times, dtype=torch.float64) * last
        streams = streams.retimed(times.expand(clips, -1))
    if view != View(cut=view.cut):
        streams = streams.moved(*_maps(view, clips))
    return streams.onto(batch)


def _maps(view: View, clips: int) -> tuple[Tensor, Tensor]:
    def each(value: float) -> Tensor:
        return torch.full((clips,), value, dtype=torch.float64)

    return affine_maps(
        scale=each(view.scale),
        aspect=each(1.0),
        rotation=each(view.rotation),
        shift=torch.stack([each(view.shift), each(0.0)], dim=1),
        mirrored=torch.full((clips,), view.mirrored),
    )
