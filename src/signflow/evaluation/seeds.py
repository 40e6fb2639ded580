"""One figure out of several runs: folds joined, seeds averaged."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from signflow.evaluation.intervals import (
    NOTHING_COUNTED,
    Floats,
    Integers,
    Interval,
    resampled_counts,
    wilson_interval,
)
from signflow.evaluation.measures import TOP1, Measure, interval_of
from signflow.evaluation.predictions import Predictions, join
from signflow.evaluation.scored import Scored


def pooled_top1(counts: Sequence[tuple[int, int]]) -> Interval:
    """Return the accuracy over folds that test disjoint clips, with Wilson's interval.

    Args:
        counts: (correct, total) of each fold. For folds of one seed only: clips that several seeds
            test are no new clips, and `mean_over_runs` counts them rightly.

    Example:
        >>> pooled_top1([(20, 43), (18, 42)]).value
        0.447...
    """
    return wilson_interval(sum(hits for hits, _ in counts), sum(total for _, total in counts))


def mean_over_runs(
    predictions: Sequence[Predictions],
    *,
    measure: Measure = TOP1,
    groups: Mapping[str, str] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return what runs reach on average, with an interval over clips.

    Runs may differ in seed (the same clips again), in fold (other clips) or in both. Runs on
    different clips are joined first, as far as they go: the folds of a seed are one pass over all
    clips. The passes are measured one by one, and averaged.

    Three seeds on 100 clips are not 300 clips. So the interval resamples clips, each with all its
    runs (percentile bootstrap: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap,
    1993, chapter 13). It says how far the mean of *these* runs would move with other clips; how
    far it moves with other seeds, the runs' own spread shows. Where all outcomes are alike a
    bootstrap sees no variation; Wilson's interval over the clips (or groups) stands in.

    Args:
        predictions: one a run; the folds of one seed follow one another.
        measure: what to measure.
        groups: the group of each clip (its signer, its scene). With it whole groups are resampled
            (cluster bootstrap: A. C. Davison and D. V. Hinkley, Bootstrap Methods and their
            Application, 1997, section 3.8), because clips of one signer are recognised or missed
            together: the interval becomes wider, and honest about new signers. A clip without an
            entry is a group of its own.
        confidence: of the interval.
        seed: of the resampling.

    Example:
        >>> interval = mean_over_runs([read_predictions(run / "predictions_test.parquet")
        ...                            for run in runs])
    """
    passes = _passes([run for run in predictions if run.clip_ids])
    if not passes:
        return NOTHING_COUNTED
    clip_ids = sorted({clip_id for each in passes for clip_id in each.clip_ids})
    place_of = {clip_id: place for place, clip_id in enumerate(clip_ids)}
    places = [np.array([place_of[clip_id] for clip_id in each.clip_ids]) for each in passes]
    scored = [Scored(each.labels, each.scores) for each in passes]
    names = [(groups or {}).get(clip_id, f"clip {clip_id}") for clip_id in clip_ids]
    clusters, member_of = np.unique(names, return_inverse=True)

    def on_average(weights: Floats) -> Floats:
        by_pass = [
            measure.of(each, weights[place]) for each, place in zip(scored, places, strict=True)
        ]
        # Sorted, so that the sum does not hang on the order of the runs.
        mean: Floats = np.nanmean(np.sort(by_pass, axis=0), axis=0)
        return mean

    return interval_of(
        measure,
        float(on_average(np.ones((len(clip_ids), 1)))[0]),
        scored,
        len(clusters),
        lambda: _resampled(on_average, member_of, len(clusters), seed),
        confidence=confidence,
    )


def _passes(predictions: Sequence[Predictions]) -> list[Predictions]:
    """Join runs on different clips, each with the first that has none of its clips."""
    passes: list[list[Predictions]] = []
    seen: list[set[str]] = []
    for run in predictions:
        for members, clip_ids in zip(passes, seen, strict=True):
            if clip_ids.isdisjoint(run.clip_ids):
                members.append(run)
                clip_ids.update(run.clip_ids)
                break
        else:
            passes.append([run])
            seen.append(set(run.clip_ids))
    return [join(members) for members in passes]


def _resampled(
    measure: Callable[[Floats], Floats], member_of: Integers, clusters: int, seed: int
) -> Floats:
    return np.concatenate(
        [
            measure(drawn[member_of].astype(np.float64))
            for drawn in resampled_counts(clusters, seed=seed)
        ]
    )
