"""One training in a process of its own: `python -m signflow.app.job FOLDER`.

The page starts it and reads the folder; a kill at any moment leaves a folder to go on from.

clips.csv     the clips with their splits
job.json      recipe, configuration, device
state.json    how far it is
store/, run/  what it makes
log.txt       what it prints
"""

import os
import signal
import sys
import threading
import traceback
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from signflow.annotations import read_clips
from signflow.errors import UserError
from signflow.files import read_json, write_json
from signflow.store import Recipe, Store, build_store
from signflow.training import EpochMetrics, TrainConfig, train

Phase = Literal["starting", "preparing", "learning", "done", "failed", "cancelled"]
ENDED: tuple[Phase, ...] = ("done", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True)
class State:
    """How far a training is.

    Attributes:
        phase: what it is at, or how it ended. One that is gone in another phase was interrupted.
        signs: how many signs it learns.
        train_clips: to learn from.
        val_clips: to validate with.
        apart: whether those are of signers that it does not learn from.
        mixed_because: why not.
        epoch: how many are done.
        epochs: of how many.
        top1: share of the validation clips that the best epoch recognised.
        seconds: how long the last epoch took.
        message: what went wrong.
    """

    phase: Phase = "starting"
    signs: int = 0
    train_clips: int = 0
    val_clips: int = 0
    apart: bool = False
    mixed_because: str = ""
    epoch: int = 0
    epochs: int = 0
    top1: float | None = None
    seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class Job:
    """The folder of a training."""

    folder: Path

    @property
    def clips_path(self) -> Path:
        """The clips with their splits."""
        return self.folder / "clips.csv"

    @property
    def run_path(self) -> Path:
        """The run it makes."""
        return self.folder / "run"

    @property
    def log_path(self) -> Path:
        """What the process prints."""
        return self.folder / "log.txt"

    @property
    def number(self) -> int:
        """Of the training."""
        return int(self.folder.name)

    def write(self, *, recipe: Recipe, config: TrainConfig, device: str, state: State) -> None:
        """Describe the job; `state.json`, written last, makes it one."""
        values = {"recipe": recipe.to_dict(), "train": config.to_dict(), "device": device}
        write_json(self.folder / "job.json", values)
        self.write_state(state)

    def read(self) -> tuple[Recipe, TrainConfig, str]:
        """Recipe, configuration and device.

        Raises:
            UserError: the description is gone or damaged.
        """
        values = read_json(self.folder / "job.json", what="the description of a training")
        try:
            config = TrainConfig(**values["train"])
            return Recipe.from_dict(values["recipe"]), config, str(values["device"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{self.folder / 'job.json'}: {error}; train anew") from None

    def write_state(self, state: State) -> None:
        """Say how far it is."""
        write_json(self.folder / "state.json", asdict(state))

    def read_state(self) -> State:
        """How far it is.

        Raises:
            UserError: that is not known: the file is gone or damaged.
        """
        path = self.folder / "state.json"
        values: Any = read_json(path, what="how far a training is")
        try:
            return State(**values)
        except TypeError as error:
            raise UserError(f"{path}: {error}; train anew") from None


def lock_path(folder: Path) -> Path:
    """The lock that a training holds, of the folder in which all of them lie."""
    return folder / ".lock"


def main(words: list[str]) -> int:
    """Do the job in a folder: build a store, train on it."""
    # Ctrl-C in the terminal reaches this process too; the page, which ends by it, ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(2)  # the page comes first
    job = Job(Path(words[0]))
    try:
        with FileLock(lock_path(job.folder.parent), timeout=10):
            return _do(job)
    except Timeout:
        return 3


def _do(job: Job) -> int:
    state = replace(job.read_state(), phase="starting", message="", seconds=0.0)
    try:
        recipe, config, device = job.read()
        state = replace(state, phase="preparing", epochs=config.epochs)
        job.write_state(state)
        clips = read_clips(job.clips_path)
        built = [
            c for c in build_store(clips, out=job.folder / "store", recipe=recipe).rows if c.built
        ]
        state = replace(
            state,
            phase="learning",
            train_clips=sum(row.clip.split == "train" for row in built),
            val_clips=sum(row.clip.split == "val" for row in built),
        )
        job.write_state(state)
        state = _learn(job, config, device, state)
        job.write_state(replace(state, phase="done"))
    except UserError as error:
        job.write_state(replace(state, phase="failed", message=str(error)))
        return error.exit_status
    except Exception as error:
        traceback.print_exc()
        said = f"{type(error).__name__}: {error}; {job.log_path} has more"
        job.write_state(replace(state, phase="failed", message=said))
        return 1
    return 0


def _learn(job: Job, config: TrainConfig, device: str, state: State) -> State:
    def after(metrics: EpochMetrics) -> bool:
        nonlocal state
        state = replace(
            state,
            epoch=metrics.epoch,
            top1=metrics.val_top1 if metrics.best else state.top1,
            seconds=metrics.seconds,
        )
        job.write_state(state)
        return True

    run = train(
        Store.open(job.folder / "store"),
        config=config,
        out=job.run_path,
        device=device,
        on_epoch=after,
        show_progress=False,
    )
    history = run.read_metrics()
    best = [metrics.val_top1 for metrics in history if metrics.best]
    return replace(state, epoch=len(history), top1=best[-1] if best else None)


def _end_with_parent() -> None:
    """The page holds the other end of standard input: here it shows that it is gone, or killed."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
