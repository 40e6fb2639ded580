"""Dropout that does not depend on how a step is cut into parts."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from signflow.training.steps import Part

_DROPOUTS = (
    functional.dropout,
    functional.dropout1d,
    functional.dropout2d,
    functional.dropout3d,
)


class StepDropout(TorchFunctionMode):
    """Within it, dropout of a part drops what dropout of the whole step would have dropped there.

    Each process draws the mask of the whole step and takes the rows of its part. So one process
    with the whole batch, two with half of it each, and one that accumulates two halves learn the
    same, and their random states stay the same.

    Covered are PyTorch's dropout functions and in-place Bernoulli draws (stochastic depth) whose
    first dimension is the part's clips, or a multiple of it (the frames of one clip after those of
    the other). Other random operations of a model draw for the part only.
    """

    def __init__(self, part: Part) -> None:
        super().__init__()
        self._part = part

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Let `func` draw for the whole step where it is one of those that draw."""
        options = kwargs or {}
        if func in _DROPOUTS:
            return self._drop(func, *args, **options)
        if func is Tensor.bernoulli_ and self._times(args[0]):
            tensor, *rest = args
            return tensor.copy_(self._mine(self._whole(tensor).bernoulli_(*rest, **options)))
        return func(*args, **options)

    def _drop(
        self,
        func: Callable[..., Tensor],
        input: Tensor,
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
    ) -> Tensor:
        if not training or not self._times(input):
            return func(input, p, training, inplace)
        return input * self._mine(func(self._whole(input), p, training))

    def _times(self, tensor: Tensor) -> int:
        """How many rows belong to each clip; 0: the rows are not the part's clips."""
        clips = len(self._part.rows)
        return tensor.shape[0] // clips if tensor.ndim and tensor.shape[0] % clips == 0 else 0

    def _whole(self, tensor: Tensor) -> Tensor:
        rows = self._part.step_clips * self._times(tensor)
        return torch.ones((rows, *tensor.shape[1:]), dtype=tensor.dtype, device=tensor.device)

    def _mine(self, drawn: Tensor) -> Tensor:
        times = drawn.shape[0] // self._part.step_clips
        start = self._part.start * times
        return drawn[start : start + len(self._part.rows) * times]


class RandomState:
    """PyTorch's random state on the processor and one accelerator, to be put back."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._cpu = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None

    def put_back(self) -> None:
        """Draw again what was drawn since."""
        torch.set_rng_state(self._cpu)
        if self._cuda is not None:
            torch.cuda.set_rng_state(self._cuda, self._device)
