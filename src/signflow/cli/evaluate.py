"""`signflow evaluate RUN... --split test`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from signflow.annotations import Split
from signflow.cli.parse import parse
from signflow.errors import UserError
from signflow.evaluation import evaluate, summary_table
from signflow.progress import console
from signflow.sweep import runs_in


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Measure runs: predictions of every clip, accuracies with 95 % intervals.

    Attributes:
        runs: run directories, or folders of signflow sweep: all their complete runs.
        split: which splits. Test is meant to be looked at once, when all is chosen.
        device: auto, cpu or cuda.
    """

    runs: Positional[tuple[Path, ...]]
    split: tuple[Split, ...] = ("val", "test")
    device: str = "auto"


def run(words: Sequence[str]) -> None:
    """Evaluate runs and print their table."""
    asked = parse(Evaluate, words, command="evaluate")
    if not asked.runs:
        raise UserError("evaluate: no run given; signflow evaluate RUN...")
    runs = runs_in(asked.runs)
    for path in runs:
        evaluate(path, splits=asked.split, device=asked.device)
    console.print(summary_table(runs))
