"""Experiments: runs that differ in nothing but seed and fold, measured together."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from signflow.evaluation.intervals import NOTHING_COUNTED, Interval
from signflow.evaluation.measures import MEASURES
from signflow.evaluation.predictions import Predictions
from signflow.evaluation.runs import RunRecord
from signflow.evaluation.seeds import mean_over_runs
from signflow.training import Run


@dataclass(frozen=True, kw_only=True)
class SplitSummary:
    """What an experiment's runs reach on one split.

    Attributes:
        runs: how many of them were evaluated on it.
        clips: how many different clips they have together.
        asked: how many the annotations ask for.
        groups: how many groups (signers, scenes) the clips are in; 0 where none is known.
        figures: mean over the runs by measure, with a bootstrap interval over clips; without those
            that say nothing.
        over_groups: the same with whole groups of clips resampled: how far the mean would move with
            other signers or scenes. Empty with fewer than two groups.
        by_seed: each seed's top-1 over its folds.
        recognised: for each clip, by how many runs it was recognised and by how many it was tried.
    """

    runs: int
    clips: int
    asked: int
    groups: int
    figures: Mapping[str, Interval]
    over_groups: Mapping[str, Interval]
    by_seed: Mapping[int, float]
    recognised: Mapping[str, tuple[int, int]]

    @property
    def top1(self) -> Interval:
        """Mean top-1 over the runs."""
        return self.figures.get("top1", NOTHING_COUNTED)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Runs that differ in nothing but seed and fold.

    Attributes:
        runs: the runs, by seed and fold; one or more.
        groups: the group of each clip, where known.
        validation, test: what they reach; None where none was evaluated.
    """

    runs: tuple[RunRecord, ...]
    groups: Mapping[str, str]
    validation: SplitSummary | None
    test: SplitSummary | None

    @property
    def run(self) -> RunRecord:
        """The first run, for what they share."""
        return self.runs[0]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The runs' seeds, ascending."""
        return tuple(sorted({run.config.seed for run in self.runs}))

    @property
    def folds(self) -> tuple[int, ...]:
        """The runs' folds, ascending; empty where they use the annotated splits."""
        return tuple(sorted({run.config.fold for run in self.runs if run.config.fold is not None}))

    @property
    def weights(self) -> int | None:
        """How many weights the net has; None before the first evaluation."""
        return next((run.parameters for run in self.runs if run.parameters is not None), None)


def find_experiments(
    runs: Sequence[RunRecord], *, groups_of: Callable[[Run], Mapping[str, str]]
) -> list[Experiment]:
    """Return the experiments that `runs` belong to, in their order.

    A run that is given twice (the same seed and fold of one experiment) counts once.

    Args:
        runs: any runs.
        groups_of: gives the group (signer, scene) of each clip of a run's store, where known.
    """
    by_experiment: dict[Hashable, dict[tuple[int, int], RunRecord]] = {}
    for run in runs:
        fold = -1 if run.config.fold is None else run.config.fold
        alike = by_experiment.setdefault(run.experiment, {})
        alike.setdefault((run.config.seed, fold), run)
    return [
        _experiment(
            tuple(alike[key] for key in sorted(alike)),
            groups=groups_of(next(iter(alike.values())).run),
        )
        for alike in by_experiment.values()
    ]


def _experiment(runs: tuple[RunRecord, ...], *, groups: Mapping[str, str]) -> Experiment:
    return Experiment(
        runs=runs,
        groups=groups,
        validation=_summary(runs, "val", groups),
        test=_summary(runs, "test", groups),
    )


def _summary(
    runs: Sequence[RunRecord], split: str, groups: Mapping[str, str]
) -> SplitSummary | None:
    found = [(run, run.predictions(split)) for run in runs if split in run.splits]
    evaluated = [(run, given) for run, given in found if given is not None]
    if not evaluated:
        return None
    by_seed: dict[int, list[Predictions]] = {}
    asked: dict[int | None, int] = {}
    recognised: dict[str, tuple[int, int]] = {}
    for run, given in evaluated:
        by_seed.setdefault(run.config.seed, []).append(given)
        asked[run.config.fold] = max(asked.get(run.config.fold, 0), run.splits[split].asked)
        for clip_id, correct in zip(given.clip_ids, given.correct.tolist(), strict=True):
            hits, tries = recognised.get(clip_id, (0, 0))
            recognised[clip_id] = (hits + correct, tries + 1)
    predictions = [given for _, given in evaluated]
    grouped = {groups[clip_id] for clip_id in recognised if clip_id in groups}
    telling = [m for m in MEASURES if len(evaluated[0][0].classes) >= m.least_classes]
    return SplitSummary(
        runs=len(evaluated),
        clips=len(recognised),
        asked=sum(asked.values()),
        groups=len(grouped),
        figures={m.name: mean_over_runs(predictions, measure=m) for m in telling},
        over_groups={
            m.name: mean_over_runs(predictions, measure=m, groups=groups)
            for m in telling
            if len(grouped) > 1
        },
        by_seed={seed: _pooled(by_seed[seed]) for seed in sorted(by_seed)},
        recognised=recognised,
    )


def _pooled(folds: Sequence[Predictions]) -> float:
    correct = sum(int(fold.correct.sum()) for fold in folds)
    return correct / max(1, sum(len(fold.clip_ids) for fold in folds))
