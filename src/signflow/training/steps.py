"""Steps and their parts: which process computes what of a batch, so that all give one result.

A step sees `batch_size` clips. They are cut into `processes * accumulate` parts of neighbours, as
even as can be:

    batch_size 16, 2 processes, accumulate 2:   0000 0000 1111 1111
    the last batch of 7:                        00 00 11 1

The gradient of a step is that of the mean loss over all of its clips, however it was cut.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from signflow.store import ClipRow


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one process computes at once.

    Attributes:
        rows: the clips, at least one.
        start: the place of the first of them in its step.
        step_clips: how many clips the step has.
        share: of the step's loss, by the clips' weights. 0: the step has fewer clips than there are
            processes, and this one keeps the others company with a clip that does not count.
        first: whether the step begins with it, in this process.
        last: whether the step ends with it, in this process.
    """

    rows: Sequence[ClipRow]
    start: int
    step_clips: int
    share: float
    first: bool
    last: bool

    @property
    def whole(self) -> bool:
        """Whether it is the whole step."""
        return len(self.rows) == self.step_clips


def parts_of(
    rows: Sequence[ClipRow],
    *,
    batch_size: int,
    accumulate: int = 1,
    processes: int = 1,
    process: int = 0,
    weight_of: Callable[[ClipRow], float] = lambda row: 1.0,
) -> list[Part]:
    """The parts that one process works through in an epoch, in order.

    Args:
        rows: the epoch's clips in their order; the same in every process.
        batch_size: clips per step, over all processes.
        accumulate: parts per step and process.
        processes: how many there are.
        process: which one this is, from 0.
        weight_of: how much a clip counts in the mean.
    """
    parts: list[Part] = []
    for begin in range(0, len(rows), batch_size):
        step = rows[begin : begin + batch_size]
        total = sum(map(weight_of, step))
        cuts = _cuts(len(step), processes * accumulate)[process * accumulate :][: accumulate + 1]
        spans = [(a, b) for a, b in pairwise(cuts) if a < b]
        for number, (a, b) in enumerate(spans or [(0, 1)]):
            parts.append(
                Part(
                    rows=step[a:b],
                    start=a,
                    step_clips=len(step),
                    share=sum(map(weight_of, step[a:b])) / total if spans else 0.0,
                    first=number == 0,
                    last=number == max(len(spans), 1) - 1,
                )
            )
    return parts


def _cuts(clips: int, pieces: int) -> list[int]:
    """Where to cut: `pieces + 1` places; the first pieces are the longer ones."""
    short, longer = divmod(clips, pieces)
    return [piece * short + min(piece, longer) for piece in range(pieces + 1)]
