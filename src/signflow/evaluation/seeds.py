"""One accuracy out of several runs: folds joined, seeds averaged."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from signflow.evaluation.metrics import (
    NOTHING_COUNTED,
    RESAMPLES,
    Floats,
    Interval,
    percentile_interval,
    wilson_interval,
)
from signflow.evaluation.predictions import Predictions


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
    groups: Mapping[str, str] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the top-1 accuracy that runs have on average, with an interval over clips.

    Runs may differ in seed (the same clips again), in fold (other clips) or in both. Each clip's
    share of runs that recognise it is taken first, then the mean over clips; where each seed tests
    each clip once, that is the pooled accuracy of the folds, averaged over the seeds.

    Three seeds on 100 clips are not 300 clips. So the interval resamples clips, each with all its
    runs (percentile bootstrap: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap,
    1993, chapter 13). It says how far the mean of *these* runs would move with other clips; how
    far it moves with other seeds, the runs' own spread shows. Where all outcomes are alike a
    bootstrap sees no variation; Wilson's interval over the clips (or groups) stands in.

    Args:
        predictions: one a run.
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
    share_by_clip = _share_of_runs_that_recognise(predictions)
    if not share_by_clip:
        return NOTHING_COUNTED
    names = [(groups or {}).get(clip_id, f"clip {clip_id}") for clip_id in share_by_clip]
    _, member_of = np.unique(names, return_inverse=True)
    shares = np.fromiter(share_by_clip.values(), dtype=np.float64)
    sums = np.bincount(member_of, weights=shares).astype(np.float64)
    sizes = np.bincount(member_of).astype(np.float64)
    value = float(shares.mean())
    if value in (0.0, 1.0):
        return wilson_interval(round(value * len(sizes)), len(sizes), confidence=confidence)
    return percentile_interval(value, _resampled_means(sums, sizes, seed), confidence=confidence)


def _share_of_runs_that_recognise(predictions: Sequence[Predictions]) -> dict[str, float]:
    outcomes: dict[str, list[bool]] = {}
    for run in predictions:
        for clip_id, correct in zip(run.clip_ids, run.correct.tolist(), strict=True):
            outcomes.setdefault(clip_id, []).append(correct)
    # Sorted, so that the interval does not hang on the order of the runs.
    return {
        clip_id: sum(outcomes[clip_id]) / len(outcomes[clip_id]) for clip_id in sorted(outcomes)
    }


def _resampled_means(sums: Floats, sizes: Floats, seed: int) -> Floats:
    """Draw as many groups as there are, with replacement, again and again; return each mean."""
    generator = np.random.default_rng(seed)
    even = np.full(len(sizes), 1 / len(sizes))
    # How often each group is drawn: (resamples, groups), a block at a time to bound the memory.
    blocks: list[npt.NDArray[np.float64]] = []
    for _ in range(10):
        drawn = generator.multinomial(len(sizes), even, size=RESAMPLES // 10).astype(np.float64)
        blocks.append((drawn @ sums) / (drawn @ sizes))
    return np.concatenate(blocks)
