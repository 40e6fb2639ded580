"""The forms that a model takes on its way to a file: how large each is, and how fast."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from signflow.training import Batch

ROUNDS = 9
"""How often each form is timed."""

Scores = Callable[[Batch], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form of a model.

    Attributes:
        name: for people.
        size: in bytes.
        seconds: from one clip's bytes to its scores, the median.
    """

    name: str
    size: int
    seconds: float


@dataclass(kw_only=True)
class Forms:
    """Forms of one model, in the order in which they were made."""

    sizes: dict[str, int] = field(default_factory=dict)
    scores: dict[str, Scores] = field(default_factory=dict)

    def add(self, name: str, *, size: int, scores: Scores) -> Scores:
        """Add a form of `size` bytes; return how it scores a batch."""
        self.sizes[name] = size
        self.scores[name] = scores
        return scores

    def timed(self, batch: Batch) -> tuple[Form, ...]:
        """Time all forms on the first clip of a batch, in turns."""
        one = Batch(
            rgb=None if batch.rgb is None else batch.rgb[:1],
            flow=None if batch.flow is None else batch.flow[:1],
            labels=batch.labels[:1],
            clip_ids=batch.clip_ids[:1],
        )
        calls = {name: partial(scores, one) for name, scores in self.scores.items()}
        seconds = interleaved_medians(calls, rounds=ROUNDS)
        return tuple(
            Form(name=name, size=size, seconds=seconds[name]) for name, size in self.sizes.items()
        )


def interleaved_medians(
    timed: Mapping[str, Callable[[], object]], *, rounds: int
) -> dict[str, float]:
    """Median seconds of functions that take turns: what else the machine does meets all of them.

    Args:
        timed: what to time, by name; each is called once more beforehand, untimed.
        rounds: how often each is timed, at least 1.

    Example:
        >>> sorted(interleaved_medians({"a": list, "b": dict}, rounds=3))
        ['a', 'b']
    """
    for function in timed.values():
        function()
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(rounds):
        for name, function in timed.items():
            started = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}
