"""The work of one process on a sweep: whatever run is not done and not held by another."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from signflow.errors import UserError
from signflow.store import Store
from signflow.sweep.claims import Claim, Timing, claimed, forget
from signflow.sweep.folder import State, SweepFolder
from signflow.sweep.plan import PlannedRun
from signflow.sweep.progress import SweepProgress
from signflow.training import EpochMetrics, Processes, Run, TrainConfig, train
from signflow.training.low_memory import LowMemory, check_low_memory
from signflow.training.processes import fabric_of
from signflow.training.weights import check_model, check_precision

Outcome = Literal["done", "failed", "stopped", "lost"]


@dataclass(frozen=True, kw_only=True)
class SweepOptions:
    """How a process works on a sweep.

    Attributes:
        device: auto, cpu or cuda.
        retry_failed: try once more what has failed when the command begins.
        wait: stay until the runs that other processes hold are done, to take over what they leave.
        low_memory: hold no whole gradient of the nets' large linear layers; see signflow train.
        checkpoint_seconds: write the state to resume from when the last one is older than this.
    """

    device: str = "auto"
    retry_failed: bool = False
    wait: bool = True
    low_memory: LowMemory = "auto"
    checkpoint_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True)
class SweepSummary:
    """What came of the runs that were asked for.

    Attributes:
        path: the sweep's folder.
        done: names of complete runs.
        pruned: names of those that a search has given up.
        failed: reasons by name.
        elsewhere: names of runs that other processes are at.
        best: of the complete runs that with the highest validation top-1, or the same with the
            lowest loss; None where there is none.
    """

    path: Path
    done: tuple[str, ...]
    pruned: tuple[str, ...]
    failed: Mapping[str, str]
    elsewhere: tuple[str, ...]
    best: tuple[str, EpochMetrics] | None


def sweep(
    store: Store,
    runs: Sequence[PlannedRun],
    *,
    out: Path,
    asked: Mapping[str, Any],
    options: SweepOptions | None = None,
    timing: Timing | None = None,
) -> SweepSummary:
    """Train the runs that are not done. Start it as often as you like on one folder.

    Args:
        store: what to learn from.
        runs: what to train.
        out: the sweep's folder: a directory each.
        asked: what `sweep.json` is to say about them, as JSON values.
        options: how.
        timing: when the claim of another process is stale.

    Raises:
        UserError: the folder belongs to another sweep's store, a configuration cannot be trained on
            this store, or the device is not there. What fails later is recorded with its run.
    """
    options = options or SweepOptions()
    folder = SweepFolder(path=out, timing=timing or Timing())
    check(store, [run.config for run in runs], options=options)
    folder.ask(store, asked=asked, runs=[run.name for run in runs])
    retry = {
        run.name: folder.failure(run.name)
        for run in runs
        if options.retry_failed and folder.state(run.name) == "failed"
    }
    with SweepProgress(folder, runs) as progress:
        while True:
            elsewhere = [
                run for run in runs if not _settle(store, run, folder, options, retry, progress)
            ]
            if not elsewhere or not options.wait:
                break
            progress.waits_for(len(elsewhere))
            time.sleep(folder.timing.poll_seconds)
    return summarise(folder, [run.name for run in runs])


def summarise(folder: SweepFolder, names: Sequence[str]) -> SweepSummary:
    """What came of runs, by their directories."""
    states = {name: folder.state(name) for name in names}

    def of(wanted: State) -> tuple[str, ...]:
        return tuple(name for name, state in states.items() if state == wanted)

    best: tuple[str, EpochMetrics] | None = None
    for name in of("done"):
        history = Run.open(folder.run_path(name)).read_metrics()
        epoch = [metrics for metrics in history if metrics.best][-1]
        if best is None or (epoch.val_top1, -epoch.val_loss) > (
            best[1].val_top1,
            -best[1].val_loss,
        ):
            best = name, epoch
    return SweepSummary(
        path=folder.path,
        done=of("done"),
        pruned=of("pruned"),
        failed={
            name: str(folder.failure(name).get("reason", "unknown"))
            for name, state in states.items()
            if state == "failed"
        },
        elsewhere=of("open"),
        best=best,
    )


def check(store: Store, configs: Sequence[TrainConfig], *, options: SweepOptions) -> None:
    """Refuse what cannot be trained before any time is spent.

    Raises:
        UserError: a model, a fold, a split or a precision is not to be had.
    """
    nets = {
        (config.model, config.model_options, config.pretrained, config.precision): config
        for config in configs
    }
    for config in nets.values():
        check_model(config, store)
        with fabric_of(Processes(), config=config, device=options.device) as fabric:
            check_precision(config, store, device=fabric.device)
        if options.low_memory == "on":
            check_low_memory(config, store, processes=Processes())
    for fold in dict.fromkeys(config.fold for config in configs):
        splits = store.splits(fold=fold)
        for split in ("train", "val"):
            if not any(row.built for row in splits[split]):
                raise UserError(f"{store.path}: has no built clips in the split {split}")


def do_run(
    store: Store,
    run: PlannedRun,
    *,
    folder: SweepFolder,
    claim: Claim,
    options: SweepOptions,
    on_epoch: Callable[[EpochMetrics], bool],
) -> Outcome:
    """Train a run that this process has claimed, and record a failure with it.

    Returns:
        "done"; "failed"; "stopped" where `on_epoch` said so; "lost" where another process has taken
        the run over.
    """
    if claim.attempt > folder.timing.attempts:
        folder.record_failure(
            run.name,
            f"{claim.attempt - 1} times its process ended without a word (killed, or out of"
            " memory?); --retry-failed tries again",
        )
        return "failed"
    try:
        trained = train(
            store,
            config=run.config,
            out=folder.run_path(run.name),
            device=options.device,
            low_memory=options.low_memory,
            checkpoint_seconds=options.checkpoint_seconds,
            on_epoch=lambda metrics: not claim.lost and on_epoch(metrics),
            show_progress=False,
        )
    except Exception as error:  # whatever it is, the other runs go on
        folder.record_failure(run.name, error)
        return "failed"
    finally:
        # The next net is as large as this one; both do not fit everywhere.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    if trained.complete:
        return "done"
    return "lost" if claim.lost else "stopped"


def _settle(
    store: Store,
    run: PlannedRun,
    folder: SweepFolder,
    options: SweepOptions,
    retry: dict[str, dict[str, Any]],
    progress: "SweepProgress",
) -> bool:
    """See to it that a run is done or failed; False: another process is at it."""

    def settled() -> bool:
        state = folder.state(run.name)
        return state != "open" and not (state == "failed" and _retries(folder, run.name, retry))

    if settled():
        return True
    epochs = folder.epochs_done(run.name)
    with claimed(folder.claims, run.name, timing=folder.timing, epochs=epochs) as claim:
        if claim is None:
            return False
        if settled():  # in the meantime
            return True
        if retry.pop(run.name, None) is not None:
            folder.forget_failure(run.name)
            claim.attempt = 1
        progress.begins(run)
        outcome = do_run(
            store,
            run,
            folder=folder,
            claim=claim,
            options=options,
            on_epoch=progress.after_epoch,
        )
        if outcome in ("done", "failed"):
            forget(folder.claims, run.name)
            progress.ends(run)
        return outcome in ("done", "failed")


def _retries(folder: SweepFolder, name: str, retry: Mapping[str, dict[str, Any]]) -> bool:
    """Whether a failure is the one that was there when the command began, not a newer one."""
    return name in retry and retry[name] == folder.failure(name)
