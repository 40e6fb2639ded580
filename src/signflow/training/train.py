"""The training loop: a store and a configuration become a run."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from signflow.errors import UserError
from signflow.files import atomic_path, write_json
from signflow.progress import console_err, progress_bar
from signflow.store import ClipRow, Store
from signflow.training.calibrate import calibrate
from signflow.training.config import TrainConfig
from signflow.training.draw import drawn
from signflow.training.environment import describe_environment, keep_large_blocks
from signflow.training.epoch import run_epoch
from signflow.training.followers import followers
from signflow.training.learner import Learner, align_moments, make_learner
from signflow.training.low_memory import LowMemory, check_low_memory
from signflow.training.processes import (
    Processes,
    fabric_of,
    first_does,
    only_the_first_speaks,
)
from signflow.training.run import EpochMetrics, Run
from signflow.training.weights import check_model, check_precision, has_slow_bf16, save_model

if TYPE_CHECKING:
    from lightning_fabric import Fabric

OnEpoch = Callable[[EpochMetrics], bool]


def train(
    store: Store,
    *,
    config: TrainConfig,
    out: Path,
    device: str = "auto",
    processes: Processes | None = None,
    low_memory: LowMemory = "auto",
    checkpoint_seconds: float = 60.0,
    on_epoch: OnEpoch | None = None,
    show_progress: bool = True,
) -> Run:
    """Train a model, or go on with a run that was interrupted.

    Adam on the joint loss; the weights of the best epoch by validation are kept, and in the end
    calibrated on validation. On one CPU machine the same configuration gives the same weights, also
    across an interruption. Several processes learn what one would have learnt, but for rounding.

    Args:
        store: what to learn from.
        config: how.
        out: the run's directory; with several machines, in a folder that all of them see.
        device: "auto", "cpu", "cuda" or another accelerator that Fabric knows.
        processes: who trains together (`processes_asked`); None: this process alone.
        low_memory: "on": hold no whole gradient of large linear layers (`PiecewiseAdam`); "auto":
            for the report's nets, in one process on a CPU, where it is faster, too. The result is
            the same but for rounding, so this is not part of the configuration.
        checkpoint_seconds: the state to resume from is written after an epoch when the last one is
            older than this. (That of early fusion takes 4.8 GB at 224 pixels.)
        on_epoch: called after every epoch, in the first process, with what it came to; says whether
            to go on. A run that it stops is not complete.
        show_progress: draw a progress bar where standard error is a terminal.

    Raises:
        UserError: the model is unknown, `out` holds another run, a split is empty, the device does
            not do, `low_memory` does not go with the rest, or the loss stopped being a number (exit
            status 1).
    """
    together = processes or Processes()
    with only_the_first_speaks(together):
        together.check_batch_size(config.batch_size)
        job = _Job(
            store=store,
            rows=_rows(store, config),
            low_memory=low_memory,
            checkpoint_seconds=checkpoint_seconds,
            on_epoch=on_epoch,
            show_progress=show_progress and together.first,
        )
        check_model(config, store)  # one that cannot be made leaves no directory behind
        if low_memory == "on":
            check_low_memory(config, store, processes=together)
        run = Run.at(out, config=config, store=store)
        if together.first and not together.outside:
            run.check_place()
            if run.complete:
                return run
        with (
            followers(together, store=store.path, config=config, out=out, device=device),
            fabric_of(together, config=config, device=device) as fabric,
        ):
            _train(fabric, run, job)
    return run


@dataclass(frozen=True)
class _Rows:
    train: list[ClipRow]
    val: list[ClipRow]


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What `train` was asked for besides the run itself."""

    store: Store
    rows: _Rows
    low_memory: LowMemory
    checkpoint_seconds: float
    on_epoch: OnEpoch | None
    show_progress: bool


def _rows(store: Store, config: TrainConfig) -> _Rows:
    splits = store.splits(fold=config.fold)
    built = {split: [row for row in rows if row.built] for split, rows in splits.items()}
    if not built["train"]:
        raise UserError(
            f"{store.path}: has no built clips in the split train: nothing to learn from"
        )
    if not built["val"]:
        raise UserError(
            f"{store.path}: has no built clips in the split val, by which the best epoch is chosen"
        )
    return _Rows(drawn(built["train"], config), built["val"])


def _train(fabric: "Fabric", run: Run, job: _Job) -> None:
    """Train in one of the processes; the first alone writes."""

    def begin() -> tuple[str, bool]:
        Run.create(run.path, config=run.config, store=job.store)
        return run.store_fingerprint, run.complete

    started = time.monotonic()
    check_precision(run.config, job.store, device=fabric.device)
    fingerprint, complete = first_does(fabric, begin)
    if complete:
        return
    if fingerprint != run.store_fingerprint:
        raise UserError(f"{job.store.path}: is not the store that the first process trains on")
    if fabric.is_global_zero and has_slow_bf16(run.config, device=fabric.device):
        console_err.print(
            "--precision bf16-mixed: this processor has no instructions for it and takes many times"
            " as long; 32-true is faster",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    keep_large_blocks()
    learner = _set_up(fabric, run, job)
    before = sum(epoch.seconds for epoch in learner.history)
    if not _run_epochs(learner, run, job):
        return

    def end() -> None:
        learner.optimizer.state.clear()  # the best weights are about to be read beside the net's
        # Before the file that says that the run is complete: a kill in between is made good.
        calibrate(learner, job.store, rows=job.rows.val, path=run.model_path)
        seconds = before + time.monotonic() - started
        described = describe_environment(
            device=fabric.device, seconds=seconds, processes=fabric.world_size
        )
        write_json(run.environment_path, described)
        run.last_path.unlink(missing_ok=True)

    first_does(fabric, end)


def _set_up(fabric: "Fabric", run: Run, job: _Job) -> Learner:
    """Make what learns, and put it where an interrupted run left it."""
    learner = make_learner(
        fabric,
        config=run.config,
        store=job.store,
        train_rows=job.rows.train,
        low_memory=job.low_memory,
    )
    if first_does(fabric, run.last_path.exists):
        there = {"model": learner.model, "optimizer": learner.optimizer}
        try:
            rest = fabric.load(run.last_path, there, weights_only=True)
        except RuntimeError as error:
            reason = str(error).splitlines()[0].strip()
            raise UserError(
                f"{run.last_path}: cannot be gone on from ({reason}); give another --out, or remove"
                f" {run.path} to begin anew"
            ) from None
        align_moments(learner.optimizer)
        fabric.strategy.precision.load_state_dict(rest.get("precision", {}))
        learner.history = [EpochMetrics(**epoch) for epoch in rest["history"]]
        first_does(fabric, lambda: run.write_metrics(learner.history))
    return learner


def _run_epochs(learner: Learner, run: Run, job: _Job) -> bool:
    """Go through the epochs that are left, keeping the best weights and the way back.

    Returns:
        Whether the run is complete; not, where `on_epoch` stopped it.
    """
    fabric, config = learner.fabric, run.config
    written = time.monotonic()
    steps = math.ceil(len(job.rows.train) / config.batch_size)
    with progress_bar(shown=job.show_progress) as progress:
        task = progress.add_task(
            f"Training {config.model}",
            total=config.epochs * steps,
            completed=len(learner.history) * steps,
            note="",
        )
        while not _ended(learner):
            metrics = run_epoch(
                learner,
                job.store,
                train_rows=job.rows.train,
                val_rows=job.rows.val,
                after_step=lambda: progress.advance(task),
            )
            learner.history.append(metrics)
            note = f"epoch {metrics.epoch}: loss {metrics.train_loss:.3f}, validation top-1"
            progress.update(task, note=f"{note} {metrics.val_top1:.1%}")
            due = time.monotonic() - written >= job.checkpoint_seconds
            go_on, due = first_does(fabric, partial(_keep, learner, run, job, due))
            if not go_on:
                return False
            if due and not _ended(learner):
                _save_state(learner, run)
                written = time.monotonic()
    return True


def _ended(learner: Learner) -> bool:
    """Whether all epochs are done, or validation has not become better for long enough."""
    epochs, patience = len(learner.history), learner.config.patience
    best = max((epoch.epoch for epoch in learner.history if epoch.best), default=0)
    return epochs >= learner.config.epochs or (patience is not None and epochs - best >= patience)


def _keep(learner: Learner, run: Run, job: _Job, due: bool) -> tuple[bool, bool]:
    """Write what the last epoch came to; say whether to go on, and whether a checkpoint is due."""
    metrics = learner.history[-1]
    if metrics.best:
        weights = learner.model.state_dict()
        save_model(
            run.model_path,
            name=run.config.model,
            options=run.config.model_options,
            weights=weights,
            store=job.store,
        )
    run.write_metrics(learner.history)
    return job.on_epoch is None or job.on_epoch(metrics), due


def _save_state(learner: Learner, run: Run) -> None:
    """Write `last.pt`. All processes call it: the others wait until the first has written."""
    if not learner.fabric.is_global_zero:
        learner.fabric.barrier()
        return
    state = {
        "model": learner.model.state_dict(),
        "optimizer": learner.optimizer.state_dict(),
        "precision": learner.fabric.strategy.precision.state_dict(),
        "history": [asdict(epoch) for epoch in learner.history],
    }
    # Not by Fabric, which writes the whole file into memory first.
    with atomic_path(run.last_path) as beside:
        torch.save(state, beside)
    learner.fabric.barrier()
