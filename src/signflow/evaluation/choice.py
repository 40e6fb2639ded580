"""Which experiment to go on with: validation chooses, test only measures."""

from collections.abc import Sequence

from signflow.evaluation.experiments import Experiment

_SAME = 1e-9
"""Means of shares that differ by less are the same share, summed in another order."""


def choose(experiments: Sequence[Experiment]) -> Experiment | None:
    """Return the experiment with the highest mean top-1 on validation, or None without any.

    Of those that are equal there, the one with the fewest weights is taken; of those, the one with
    the lowest validation loss, and then the first. The test split is not looked at.
    """
    measured = [entry for entry in experiments if _validation(entry, "top1") is not None]
    if not measured:
        return None
    best = max(_validation(entry, "top1") or 0.0 for entry in measured)
    level = [entry for entry in measured if (_validation(entry, "top1") or 0.0) > best - _SAME]
    return min(level, key=_plainness)


def _plainness(experiment: Experiment) -> tuple[float, float]:
    weights, loss = experiment.weights, _validation(experiment, "loss")
    return (
        float("inf") if weights is None else weights,
        float("inf") if loss is None else loss,
    )


def _validation(experiment: Experiment, measure: str) -> float | None:
    if experiment.validation is None or measure not in experiment.validation.figures:
        return None
    return experiment.validation.figures[measure].value
