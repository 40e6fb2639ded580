"""The trainings of the page: one at a time, each in a process of its own, all of it on disk."""

import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from signflow.app.config import AppConfig
from signflow.app.job import ENDED, Job, State, lock_path
from signflow.app.plan import plan_training, with_enough_steps, write_plan
from signflow.app.recordings import Recordings
from signflow.errors import UserError
from signflow.processes import describe_status
from signflow.training import Run

Standing = Literal["none", "running", "interrupted", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Training:
    """The last training, as it stands.

    Attributes:
        standing: of the process and its folder.
        number: of the training; 0: there is none.
        state: how far it is.
    """

    standing: Standing
    number: int
    state: State

    @property
    def can_go_on(self) -> bool:
        """Whether it can be taken up where it stopped."""
        return self.standing in ("interrupted", "cancelled", "failed")


class Trainings:
    """Starts, follows and ends trainings in a folder.

    What is known of them lies on disk: a page that is loaded anew, or a server that is started
    anew, sees the same.
    """

    def __init__(self, config: AppConfig, recordings: Recordings) -> None:
        """Nothing is written before the first training."""
        self._config = config
        self._folder = config.trainings
        self._recordings = recordings
        self._changing = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def latest(self) -> Training:
        """The last training."""
        jobs = self._jobs()
        if not jobs:
            return Training("none", 0, State())
        job = jobs[-1]
        try:
            state = job.read_state()
        except UserError as error:
            return Training("failed", job.number, State(phase="failed", message=str(error)))
        if self._runs():
            return Training("running", job.number, state)
        if state.phase not in ENDED:
            # It may have ended since its state was read.
            state = job.read_state()
        if state.phase in ENDED:
            return Training(_standing(state), job.number, state)
        return Training("interrupted", job.number, replace(state, message=self._cause()))

    def start(self) -> Training:
        """Train on all clips that there are.

        Raises:
            UserError: one is under way, or there are too few clips.
        """
        with self._changing:
            self._check_free()
            plan = plan_training(self._recordings.folder, self._recordings.glosses())
            number = max((job.number for job in self._jobs()), default=0) + 1
            job = Job(self._folder / f"{number:03d}")
            job.folder.mkdir(parents=True)
            write_plan(plan, job.clips_path)
            config = with_enough_steps(
                self._config.train, clips=plan.count("train"), least_steps=self._config.least_steps
            )
            state = State(
                signs=len({clip.gloss for clip in plan.clips}),
                train_clips=plan.count("train"),
                val_clips=plan.count("val"),
                apart=plan.apart,
                mixed_because=plan.mixed_because,
                epochs=config.epochs,
            )
            job.write(
                recipe=self._config.recipe, config=config, device=self._config.device, state=state
            )
            self._spawn(job)
        return self.latest()

    def go_on(self) -> Training:
        """Take up the last training where it stopped.

        Raises:
            UserError: one is under way, or there is none to go on with.
        """
        with self._changing:
            self._check_free()
            latest = self.latest()
            if not latest.can_go_on:
                raise UserError("There is no training to go on with. Start a new one.")
            job = self._jobs()[-1]
            job.write_state(replace(latest.state, phase="starting", message=""))
            self._spawn(job)
        return self.latest()

    def cancel(self) -> Training:
        """End the training that is under way; it can be taken up again.

        Raises:
            UserError: there is none, or another server started it.
        """
        with self._changing:
            if not self._runs():
                raise UserError("No training is under way.")
            if self._process is None or self._process.poll() is not None:
                raise UserError("Another signflow app started this training: cancel it there.")
            self._end()
            job = self._jobs()[-1]
            state = job.read_state()
            if state.phase not in ENDED:
                job.write_state(replace(state, phase="cancelled"))
        return self.latest()

    def finished(self) -> list[tuple[int, Path]]:
        """Number and run of every training that is complete, the last one last."""
        runs = [(job.number, job.run_path) for job in self._jobs()]
        return [(number, path) for number, path in runs if _is_complete(path)]

    def close(self) -> None:
        """End the process of a training, where there is one: the server goes."""
        with self._changing:
            self._end()

    def wait(self, seconds: float) -> None:
        """Wait until the training under way has ended, at most so long."""
        if self._process is not None:
            self._process.wait(seconds)

    def _jobs(self) -> list[Job]:
        if not self._folder.is_dir():
            return []
        found = [path for path in self._folder.iterdir() if path.name.isdecimal()]
        jobs = [Job(path) for path in found if (path / "state.json").exists()]
        return sorted(jobs, key=lambda job: job.number)

    def _check_free(self) -> None:
        if self._runs():
            state = self._jobs()[-1].read_state()
            raise UserError(
                f"A training is under way (epoch {state.epoch} of {state.epochs} is done), and one"
                " runs at a time. Wait for it, or cancel it."
            )

    def _runs(self) -> bool:
        """Whether a process is at work in the folder, started by this server or another."""
        if self._process is not None and self._process.poll() is None:
            return True
        if not self._folder.is_dir():
            return False
        try:
            with FileLock(lock_path(self._folder), timeout=0):
                return False
        except Timeout:
            return True

    def _spawn(self, job: Job) -> None:
        with job.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "signflow.app.job", str(job.folder.absolute())],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()  # at any moment: files appear whole or not at all
            self._process.wait()

    def _cause(self) -> str:
        status = None if self._process is None else self._process.poll()
        return "" if not status else f"its process ended ({describe_status(status)})"


def _standing(state: State) -> Standing:
    known: dict[str, Standing] = {"done": "done", "failed": "failed", "cancelled": "cancelled"}
    return known[state.phase]


def _is_complete(run: Path) -> bool:
    try:
        return Run.open(run).complete
    except UserError:
        return False
