"""A search for good hyper-parameters: Optuna proposes, every trial is an ordinary run.

Optuna's journal lies in the sweep's folder and knows what was proposed; the run directories know
what came of it. Processes share the trials by the same claims as the runs of a grid, and a trial
whose process was killed goes on where it was.
"""

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signflow.errors import UserError
from signflow.store import Store
from signflow.sweep.claims import Claim, Timing, claimed, forget, locked
from signflow.sweep.folder import SweepFolder
from signflow.sweep.plan import Grid, PlannedRun
from signflow.sweep.progress import SweepProgress
from signflow.sweep.work import SweepOptions, SweepSummary, check, do_run, summarise
from signflow.training import EpochMetrics, Run, TrainConfig

if TYPE_CHECKING:
    from optuna import Study, Trial

STUDY = "signflow"
BATCH_SIZES = (4, 8, 16, 32)
LEARNING_RATES = (1e-6, 1e-2)
WEIGHT_DECAYS = (1e-6, 1e-1)
LABEL_SMOOTHINGS = (0.0, 0.2)

STARTUP_TRIALS = 5
"""Trials before any is pruned; Optuna's sampler draws at random for its first ten."""
WARMUP_EPOCHS = 2
"""Epochs of a trial before it can be pruned."""


def search(
    store: Store,
    base: TrainConfig,
    *,
    out: Path,
    trials: int,
    grid: Grid | None = None,
    options: SweepOptions | None = None,
    timing: Timing | None = None,
) -> SweepSummary:
    """Try `trials` configurations, all processes and earlier commands counted in.

    What is made large is the best validation top-1 of a run. A trial is given up when its best so
    far lies below the median of the others' at the same epoch. All trials have the base's seed,
    fold and epochs.

    Args:
        store: what to learn from.
        base: what the trials have in common.
        out: the sweep's folder.
        trials: how many there are to be.
        grid: choices by field; by default learning rate (1e-6 to 1e-2) and weight decay (1e-6 to
            1e-1) by their logarithm, label smoothing (0 to 0.2) and batch size (4, 8, 16, 32).
            A field that is given here takes these values instead.
        options: how a process works.
        timing: when the claim of another process is stale.

    Raises:
        UserError: Optuna is not installed, the folder's search has another base or space, or
            nothing can be trained.
    """
    if find_spec("optuna") is None:
        raise UserError(
            "--search needs Optuna, which is not installed: pip install 'signflow[search]'"
        )
    if trials < 1:
        raise UserError(f"--search {trials}: must be 1 or more")
    options = options or SweepOptions()
    folder = SweepFolder(path=out, timing=timing or Timing())
    space = Space(base=base, grid=grid or {})
    check(store, space.corners(), options=options)
    names = [trial_name(number) for number in range(trials)]
    folder.ask(store, asked={"search": space.to_dict()}, runs=names)
    study = _open_study(folder, space)
    if options.retry_failed:
        for name in names:
            folder.forget_failure(name)
    with SweepProgress(folder, [PlannedRun(name=name, config=base) for name in names]) as progress:
        trial_of = _Trials(study, space, folder)
        while True:
            elsewhere = [
                number
                for number in range(trials)
                if not _settle(store, number, folder, trial_of, options, progress)
            ]
            if not elsewhere or not options.wait:
                break
            progress.waits_for(len(elsewhere))
            time.sleep(folder.timing.poll_seconds)
    return summarise(folder, names)


def trial_name(number: int) -> str:
    """The directory of a trial, from 0."""
    return f"trial{number:04d}"


@dataclass(frozen=True, kw_only=True)
class Space:
    """What is searched: the base, and choices by field instead of the default ranges."""

    base: TrainConfig
    grid: Grid

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        grid = {name: list(values) for name, values in self.grid.items()}
        return {"base": self.base.to_dict(), "grid": grid}

    def corners(self) -> list[TrainConfig]:
        """The base, and the base with each value of the grid.

        Raises:
            UserError: a value is not allowed.
        """
        try:
            changes = [{name: value} for name, values in self.grid.items() for value in values]
            return [self.base, *(replace(self.base, **change) for change in changes)]
        except ValueError as error:
            raise UserError(f"--grid: {error}") from None

    def config(self, trial: "Trial") -> TrainConfig:
        """What a trial stands for: drawn the first time, and known to the journal from then on."""
        values: dict[str, Any] = {
            name: trial.suggest_categorical(name, list(choices))
            for name, choices in self.grid.items()
        }
        if "learning_rate" not in values:
            values["learning_rate"] = trial.suggest_float(
                "learning_rate", *LEARNING_RATES, log=True
            )
        if "batch_size" not in values:
            values["batch_size"] = trial.suggest_categorical("batch_size", BATCH_SIZES)
        if "weight_decay" not in values:
            values["weight_decay"] = trial.suggest_float("weight_decay", *WEIGHT_DECAYS, log=True)
        if "label_smoothing" not in values:
            values["label_smoothing"] = trial.suggest_float("label_smoothing", *LABEL_SMOOTHINGS)
        return replace(self.base, **values)


class _Trials:
    """The trials by number: proposed when they are first asked for, by whichever process."""

    def __init__(self, study: "Study", space: Space, folder: SweepFolder) -> None:
        self._study = study
        self._space = space
        self._folder = folder

    def __call__(self, number: int) -> "tuple[Trial, TrainConfig]":
        from optuna.samplers import TPESampler
        from optuna.trial import Trial

        study = self._study
        with locked(self._folder.claims, "search.log", timing=self._folder.timing):
            while (proposed := len(study.get_trials(deepcopy=False))) <= number:
                # Seeded anew for each: a process that goes on must not draw the same again.
                seed = (self._space.base.seed * 100_003 + proposed) % 2**32
                study.sampler = TPESampler(seed=seed)
                self._space.config(study.ask())
            found = study.get_trials(deepcopy=False)[number]
            trial = Trial(study, found._trial_id)
            return trial, self._space.config(trial)

    def running(self, number: int) -> bool:
        """Whether the journal still waits for what becomes of a trial."""
        trials = self._study.get_trials(deepcopy=False)
        return number < len(trials) and not trials[number].state.is_finished()

    def tell(self, number: int) -> None:
        """Tell the journal what became of a trial, as its directory says."""
        from optuna.trial import TrialState

        if not self.running(number):
            return
        name = trial_name(number)
        became = self._folder.state(name)
        if became == "done":
            value = _best_top1(self._folder.run_path(name))
            self._study.tell(number, value, skip_if_finished=True)
        else:
            state = TrialState.PRUNED if became == "pruned" else TrialState.FAIL
            self._study.tell(number, state=state, skip_if_finished=True)


def _settle(
    store: Store,
    number: int,
    folder: SweepFolder,
    trials: _Trials,
    options: SweepOptions,
    progress: SweepProgress,
) -> bool:
    """See to it that a trial is done, failed or pruned; False: another process is at it."""
    name = trial_name(number)
    if folder.state(name) == "open":
        epochs = folder.epochs_done(name)
        with claimed(folder.claims, name, timing=folder.timing, epochs=epochs) as claim:
            if claim is None:
                return False
            if folder.state(name) == "open" and not _run_trial(
                store, number, folder, trials, options, progress, claim
            ):
                return False
            forget(folder.claims, name)
    trials.tell(number)
    return True


def _run_trial(
    store: Store,
    number: int,
    folder: SweepFolder,
    trials: _Trials,
    options: SweepOptions,
    progress: SweepProgress,
    claim: Claim,
) -> bool:
    """Train a trial; False: it is not settled, since another process took it over."""
    trial, config = trials(number)
    run = PlannedRun(name=trial_name(number), config=config)
    path = folder.run_path(run.name)
    counts = trials.running(number)

    def after_epoch(metrics: EpochMetrics) -> bool:
        progress.after_epoch(metrics)
        if not counts:  # a trial that failed, tried again: the journal has closed it
            return True
        # Earlier epochs too, which another process may have gone through.
        trial.report(_best_top1(path), metrics.epoch)
        return metrics.epoch == config.epochs or not trial.should_prune()

    progress.begins(run)
    with warnings.catch_warnings():
        # After an interruption an epoch is reported again; the first report is kept.
        warnings.filterwarnings("ignore", message="The reported value is ignored")
        outcome = do_run(
            store, run, folder=folder, claim=claim, options=options, on_epoch=after_epoch
        )
    if outcome == "lost":
        return False
    if outcome == "stopped":
        folder.record_pruned(run.name, epoch=folder.epochs_done(run.name))
    progress.ends(run)
    return True


def _best_top1(run: Path) -> float:
    return max(epoch.val_top1 for epoch in Run.open(run).read_metrics())


def _open_study(folder: SweepFolder, space: Space) -> "Study":
    """Open the search of a folder, or begin it.

    Raises:
        UserError: it has another base or grid.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with locked(folder.claims, "search.log", timing=folder.timing):
        study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(folder.search_log))),
            study_name=STUDY,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(
                n_startup_trials=STARTUP_TRIALS, n_warmup_steps=WARMUP_EPOCHS
            ),
            load_if_exists=True,
        )
        found = study.user_attrs.get("space")
        if found is None:
            study.set_user_attr("space", space.to_dict())
        elif found != space.to_dict():
            raise UserError(
                f"{folder.path}: holds a search with {_difference(found, space.to_dict())}; give"
                " another --out"
            )
    return study


def _difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    old, new = ({**space["base"], "grid": space["grid"]} for space in (found, wanted))
    return ", ".join(
        f"{key} {old.get(key)}, not {new[key]}" for key in new if old.get(key) != new[key]
    )
