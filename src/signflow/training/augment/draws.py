"""Random numbers that do not depend on how a step is cut into parts."""

import torch
from torch import Tensor

from signflow.training.steps import Part


class Draws:
    """Random numbers for the clips of a part.

    Numbers are drawn for the clips of the whole step, and the rows of the part are taken. So the
    clips of a step get the same numbers however it is cut, and whichever process has them.

    Args:
        seed: of the step; the same for all of its parts.
        part: whose clips.
    """

    def __init__(self, seed: int, part: Part) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._clips = part.step_clips
        self._mine = slice(part.start, part.start + len(part.rows))

    def uniform(self, *shape: int) -> Tensor:
        """Numbers from 0 to below 1, float64 (clips, *shape)."""
        size = (self._clips, *shape)
        return torch.rand(size, generator=self._generator, dtype=torch.float64)[self._mine]

    def either_way(self, *shape: int) -> Tensor:
        """Numbers from -1 to below 1, float64 (clips, *shape)."""
        return self.uniform(*shape) * 2 - 1

    def generators(self, device: torch.device) -> list[torch.Generator]:
        """A generator for each clip, for numbers too many to be drawn for clips of others."""
        seeds = torch.randint(2**62, (self._clips,), generator=self._generator)[self._mine]
        return [torch.Generator(device).manual_seed(seed) for seed in seeds.tolist()]
