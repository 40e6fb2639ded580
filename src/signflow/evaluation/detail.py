"""One experiment in full: which signs, which signers, which mistakes, how sure of itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from signflow.evaluation.calibration import CalibrationBin, calibration_bins, calibration_floor
from signflow.evaluation.experiments import Experiment
from signflow.evaluation.gallery import Gallery, ShownClip, drawn_lot
from signflow.evaluation.intervals import Integers, Interval, wilson_interval_of_share
from signflow.evaluation.metrics import confusion_matrix
from signflow.evaluation.predictions import Predictions
from signflow.evaluation.scored import Scored

MOST_PAIRS = 4
"""Confused pairs that are shown with clips."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """How the clips of one sign, or of one signer, fare.

    Attributes:
        name: the gloss or the signer.
        clips: how many there are.
        accuracy: mean share of runs that recognise a clip; Wilson's interval over the clips, which
            is a little too wide for the mean of several runs.
    """

    name: str
    clips: int
    accuracy: Interval


@dataclass(frozen=True, kw_only=True)
class ConfusedPair:
    """A sign that is taken for another.

    Attributes:
        gloss, taken_for: the true one and what the net said.
        count: how often, over all runs.
        tries: how often a clip of the true one was shown to a run.
        mistaken: such a clip; None where none can be drawn.
        proper: a clip of the other sign, recognised, to compare it with; None where there is none.
    """

    gloss: str
    taken_for: str
    count: int
    tries: int
    mistaken: ShownClip | None
    proper: ShownClip | None


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What the test split shows of an experiment.

    Attributes:
        confusion: counts over all runs, shape (classes, classes); row is true.
        runs: how many runs they are of.
        classes: by gloss, in the order of the labels.
        signers: from the best to the worst recognised; empty where none is known.
        pairs: the commonest confusions.
        bins: of the reliability diagram, over all runs.
        floor: the calibration error to expect of a perfectly calibrated net.
    """

    confusion: Integers
    runs: int
    classes: list[Part]
    signers: list[Part]
    pairs: list[ConfusedPair]
    bins: list[CalibrationBin]
    floor: float | None


def detail_of(
    experiment: Experiment, *, signers: Mapping[str, str], gallery: Gallery | None
) -> Detail | None:
    """Return an experiment in full; None where it was not evaluated on test.

    Args:
        experiment: any.
        signers: the signer of each clip, where known.
        gallery: draws clips of its store; None where that cannot be read.
    """
    given = [run.predictions("test") for run in experiment.runs if "test" in run.splits]
    runs = [predictions for predictions in given if predictions and predictions.clip_ids]
    if not runs or experiment.test is None:
        return None
    glosses = experiment.run.classes
    labels = np.concatenate([run.labels for run in runs])
    confusion = confusion_matrix(
        labels, np.concatenate([run.predicted for run in runs]), len(glosses)
    )
    scored = Scored(labels, np.concatenate([run.scores for run in runs]))
    label_of = {c: int(k) for run in runs for c, k in zip(run.clip_ids, run.labels, strict=True)}
    recognised = experiment.test.recognised
    by_gloss = _parts({c: glosses[label] for c, label in label_of.items()}, recognised)
    by_signer = _parts({c: signers[c] for c in label_of if c in signers}, recognised)
    floors = [calibration_floor(Scored(run.labels, run.scores)) or 0.0 for run in runs]
    return Detail(
        confusion=confusion,
        runs=len(runs),
        classes=[by_gloss[gloss] for gloss in glosses if gloss in by_gloss],
        signers=sorted(by_signer.values(), key=lambda part: -(part.accuracy.value or 0.0)),
        pairs=_pairs(confusion, runs, glosses, gallery),
        bins=calibration_bins(scored),
        floor=float(np.mean(floors)),
    )


def _parts(
    part_of: Mapping[str, str], recognised: Mapping[str, tuple[int, int]]
) -> dict[str, Part]:
    shares: dict[str, list[float]] = {}
    for clip_id, name in part_of.items():
        hits, tries = recognised[clip_id]
        shares.setdefault(name, []).append(hits / tries)
    return {
        name: Part(
            name=name,
            clips=len(each),
            accuracy=wilson_interval_of_share(min(1.0, float(np.mean(each))), len(each)),
        )
        for name, each in shares.items()
    }


def _pairs(
    confusion: Integers,
    runs: Sequence[Predictions],
    glosses: Sequence[str],
    gallery: Gallery | None,
) -> list[ConfusedPair]:
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    commonest = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = []
    for true, taken in (divmod(int(place), len(glosses)) for place in commonest):
        if wrong[true, taken]:
            pairs.append(
                ConfusedPair(
                    gloss=glosses[true],
                    taken_for=glosses[taken],
                    count=int(wrong[true, taken]),
                    tries=int(confusion[true].sum()),
                    mistaken=_example(runs, true, taken, gallery),
                    proper=_example(runs, taken, taken, gallery),
                )
            )
    return pairs


def _example(
    runs: Sequence[Predictions], true: int, said: int, gallery: Gallery | None
) -> ShownClip | None:
    """Draw the clip that most runs take for `said`; among several the lot decides."""
    found = Counter(
        clip_id
        for run in runs
        for clip_id, label, guess in zip(run.clip_ids, run.labels, run.predicted, strict=True)
        if label == true and guess == said
    )
    if gallery is None or not found:
        return None
    clip_id = min(found, key=lambda name: (-found[name], drawn_lot(name)))
    for run in runs:
        if clip_id in run.clip_ids:
            place = run.clip_ids.index(clip_id)
            if run.predicted[place] == said:
                return gallery.clip(run, place)
    return None
