"""How far a sweep is, over all of its runs and all processes that work on it."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType

from signflow.progress import console_err, progress_bar
from signflow.sweep.folder import SweepFolder
from signflow.sweep.plan import PlannedRun
from signflow.training import EpochMetrics

LOOK_SECONDS = 2.0
"""Between two looks at all runs, at least."""

A_DAY = 86_400.0


class SweepProgress:
    """A bar that counts epochs, those of other processes too, and a line for each run that ends.

    The time left is estimated from the epochs per second since this process began, whoever did
    them. Epochs of different nets differ in length; towards the end the estimate gets better.
    """

    def __init__(self, folder: SweepFolder, runs: Sequence[PlannedRun]) -> None:
        """Use it as a context manager."""
        self._folder = folder
        self._runs = runs
        self._began = time.monotonic()
        self._at_first, _ = self._look()
        self._looked = self._began
        self._stack = ExitStack()

    def __enter__(self) -> "SweepProgress":
        self._bar = self._stack.enter_context(progress_bar(speed_seconds=A_DAY))
        self._task = self._bar.add_task(
            f"Sweep of {len(self._runs)} runs",
            total=sum(run.config.epochs for run in self._runs),
            completed=self._at_first,
            note="",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def begins(self, run: PlannedRun) -> None:
        """This process begins with a run."""
        self._bar.update(self._task, note=run.name)

    def after_epoch(self, metrics: EpochMetrics) -> bool:
        """An epoch is done. Returns True: go on."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._update()
        return True

    def ends(self, run: PlannedRun) -> None:
        """A run of this process is settled: a line that stays, also in a log file."""
        epochs, ended = self._update()
        became: str = self._folder.state(run.name)
        if became == "failed":
            became = f"failed: {self._folder.failure(run.name).get('reason')}"
        console_err.print(
            f"{run.name}: {became}; {ended} of {len(self._runs)} runs{self._left(epochs)}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    def waits_for(self, runs: int) -> None:
        """All that is left is done by others."""
        self._update()
        self._bar.update(self._task, note=f"{runs} runs are done by other processes")

    def _update(self) -> tuple[int, int]:
        epochs, ended = self._look()
        self._bar.update(self._task, completed=epochs)
        self._looked = time.monotonic()
        return epochs, ended

    def _look(self) -> tuple[int, int]:
        """Epochs that need not be waited for any more, and runs that ended."""
        epochs = ended = 0
        for run in self._runs:
            over = self._folder.state(run.name) != "open"
            ended += over
            epochs += run.config.epochs if over else self._folder.epochs_done(run.name)
        return epochs, ended

    def _left(self, epochs: int) -> str:
        total = sum(run.config.epochs for run in self._runs)
        if epochs >= total or epochs <= self._at_first:
            return ""
        seconds = time.monotonic() - self._began
        return f", {_words(seconds * (total - epochs) / (epochs - self._at_first))} left"


def _words(seconds: float) -> str:
    """For people: about 40 s, about 12 min, about 3.5 h."""
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 6000 else f"about {seconds / 3600:.1f} h"
