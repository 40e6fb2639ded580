"""Clips mixed with others of their part: frames, flow and labels alike."""

from dataclasses import dataclass

import scipy
import torch
from torch import Tensor
from torch.nn import functional

from signflow.training.augment.draws import Draws
from signflow.training.augment.strengths import Augmentation


@dataclass(frozen=True, kw_only=True, eq=False)
class Mix:
    """Which clip of a part is mixed with which, where and how much.

    Attributes:
        partners: int64 (B,), places in the part.
        kept: float32 (B, H, W), how much of a clip is kept, 0 to 1.
    """

    partners: Tensor
    kept: Tensor

    def images(self, images: Tensor) -> Tensor:
        """Mix images, float32 (B, N, H, W, C)."""
        return images[self.partners].lerp(images, self.kept[:, None, :, :, None])

    def labels(self, labels: Tensor, *, classes: int) -> Tensor:
        """Mix labels, int64 (B,), to shares of the classes, float32 (B, classes)."""
        shares = functional.one_hot(labels, classes).float()
        return shares[self.partners].lerp(shares, self.kept.mean(dim=(1, 2))[:, None])


def draw_mix(
    strengths: Augmentation, draws: Draws, *, size: tuple[int, int], device: torch.device
) -> Mix:
    """Draw how clips are mixed (Zhang et al. 2018, mixup; Yun et al. 2019, CutMix).

    Each clip of a part is the partner of one other; that of a part of one clip is itself. Where
    both kinds are on, a coin decides for each clip.
    """
    places, chance, coin = draws.uniform(), draws.uniform(), draws.uniform()
    corner = draws.uniform(2)
    order = places.argsort()
    partners = torch.empty_like(order)
    partners[order] = order.roll(1)
    # A Beta distribution of its own for each kind, by the inverse of its cumulative distribution.
    blended = _beta(chance, strengths.mixup)[:, None, None].expand(-1, *size)
    cut = _outside(_beta(chance, strengths.cutmix), corner, size)
    cuts = coin < (strengths.cutmix > 0) * (0.5 if strengths.mixup else 1.0)
    kept = torch.where(cuts[:, None, None], cut, blended)
    return Mix(partners=partners.to(device), kept=kept.float().to(device))


def _beta(chance: Tensor, parameter: float) -> Tensor:
    if not parameter:
        return torch.ones_like(chance)
    return torch.from_numpy(scipy.special.betaincinv(parameter, parameter, chance.numpy()))


def _outside(kept: Tensor, corner: Tensor, size: tuple[int, int]) -> Tensor:
    """1 outside of a rectangle that is as wide and high as a share of `1 - kept` asks, 0 inside."""
    inside = []
    for axis, length in enumerate(size):
        extent = ((1 - kept).sqrt() * length).round()
        start = (corner[:, axis] * (length - extent + 1)).floor()
        place = torch.arange(length)
        inside.append((place >= start[:, None]) & (place < (start + extent)[:, None]))
    return (~(inside[0][:, :, None] & inside[1][:, None, :])).double()
