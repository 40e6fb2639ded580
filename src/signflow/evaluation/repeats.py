"""Runs that repeat one experiment with other seeds or folds."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from signflow.evaluation.metrics import NOTHING_COUNTED, Interval
from signflow.evaluation.predictions import Predictions
from signflow.evaluation.runs import RunRecord
from signflow.evaluation.seeds import mean_over_runs
from signflow.training import Run


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Runs that differ in nothing but seed and fold.

    Attributes:
        run: the first of them, for what they share.
        runs: how many there are.
        seeds: their seeds, ascending.
        folds: their folds, ascending; empty where they use the annotated splits.
        tested: how many of the runs were evaluated on the test split.
        clips: how many different test clips they have together.
        validation: mean top-1 on validation (bootstrap interval over clips).
        test: mean top-1 on test (bootstrap interval over clips).
        test_over_groups: the same with whole groups of clips resampled: how far the mean would
            move with other signers or scenes. None where the store knows no groups.
        groups: how many groups the test clips are in.
        by_seed: each seed's test top-1 over its folds.
    """

    run: RunRecord
    runs: int
    seeds: tuple[int, ...]
    folds: tuple[int, ...]
    tested: int
    clips: int
    validation: Interval
    test: Interval
    test_over_groups: Interval | None
    groups: int
    by_seed: dict[int, float]


def find_repeats(
    runs: Sequence[RunRecord], *, groups_of: Callable[[Run], Mapping[str, str]]
) -> list[Repeats]:
    """Return the experiments that more than one of `runs` repeats, in the order of `runs`.

    Args:
        runs: any runs.
        groups_of: gives the group (signer, scene) of each clip of a run's store, where known.
    """
    by_experiment: dict[Hashable, list[RunRecord]] = {}
    for run in runs:
        by_experiment.setdefault(run.experiment, []).append(run)
    return [
        _repeats(alike, groups=groups_of(alike[0].run))
        for alike in by_experiment.values()
        if len({(run.config.seed, run.config.fold) for run in alike}) > 1
    ]


def _repeats(runs: Sequence[RunRecord], *, groups: Mapping[str, str]) -> Repeats:
    tested: list[Predictions] = []
    by_seed: dict[int, list[Predictions]] = {}
    for run in runs:
        predictions = run.predictions("test")
        if predictions is not None:
            tested.append(predictions)
            by_seed.setdefault(run.config.seed, []).append(predictions)
    clips = {clip_id for predictions in tested for clip_id in predictions.clip_ids}
    grouped = {groups[clip_id] for clip_id in clips if clip_id in groups}
    return Repeats(
        run=runs[0],
        runs=len(runs),
        seeds=tuple(sorted({run.config.seed for run in runs})),
        folds=tuple(sorted({run.config.fold for run in runs if run.config.fold is not None})),
        tested=len(tested),
        clips=len(clips),
        validation=_mean([run.predictions("val") for run in runs]),
        test=_mean(tested),
        test_over_groups=mean_over_runs(tested, groups=groups) if grouped else None,
        groups=len(grouped),
        by_seed={seed: _pooled(by_seed[seed]) for seed in sorted(by_seed)},
    )


def _mean(predictions: Sequence[Predictions | None]) -> Interval:
    known = [entry for entry in predictions if entry is not None]
    return mean_over_runs(known) if known else NOTHING_COUNTED


def _pooled(folds: Sequence[Predictions]) -> float:
    correct = sum(int(fold.correct.sum()) for fold in folds)
    return correct / max(1, sum(len(fold.clip_ids) for fold in folds))
