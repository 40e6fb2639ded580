"""`signflow evaluate RUN... --split test`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from signflow.annotations import Split
from signflow.cli.parse import parse
from signflow.errors import UserError
from signflow.evaluation import evaluate, find_runs, summary_table
from signflow.progress import console, console_err
from signflow.training import Run


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Measure runs: predictions of every clip, accuracies with 95 % intervals.

    What is measured already is not measured again.

    Attributes:
        runs: run directories, or folders of them. Of a folder the unfinished runs are passed over.
        split: which splits. Test is meant to be looked at once, when all is chosen.
        device: auto, cpu or cuda.
        tta: test-time augmentation: give each clip the mean score over so many views of it, 2 to 8,
            in files of their own. 1: the clips as they are.
    """

    runs: Positional[tuple[Path, ...]]
    split: tuple[Split, ...] = ("val", "test")
    device: str = "auto"
    tta: int = 1


def run(words: Sequence[str]) -> None:
    """Evaluate runs and print their table."""
    asked = parse(Evaluate, words, command="evaluate")
    if not asked.runs:
        raise UserError("evaluate: no run given; signflow evaluate RUN...")
    runs = find_runs(asked.runs)
    done = [path for path in runs if path in asked.runs or Run.open(path).complete]
    for path in done:
        evaluate(path, splits=asked.split, device=asked.device, views=asked.tta)
    console.print(summary_table(done, views=asked.tta))
    if len(done) < len(runs):
        unfinished = ", ".join(path.name for path in runs if path not in done)
        console_err.print(
            f"Not finished, and passed over: {unfinished}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
