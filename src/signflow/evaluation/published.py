"""What the course report published, to be set beside our own figures."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from signflow.evaluation.experiments import Experiment
from signflow.evaluation.intervals import Interval, wilson_interval_of_share
from signflow.training import TrainConfig

SOURCE = (
    "A student's course report on recognising ten American Sign Language words of MS-ASL (labels 0"
    " to 9) with two-stream networks; single runs, models chosen by their test accuracy"
)
TEST_CLIPS = 92
"""What its test figures imply: it says about 100. See docs/report.md."""

MOST_VALIDATION_CLIPS = 153
"""All that MS-ASL has; how many of them could be downloaded does not follow from the figures."""

CLASSES = frozenset(
    ("hello", "nice", "teacher", "eat", "no", "happy", "like", "orange", "want", "deaf")
)
NETS = ("spatial", "temporal", "early-fusion", "late-fusion")
TITLES = {"batch_size": "Batch size", "learning_rate": "Learning rate"}

CONTRADICTIONS = (
    "The best model is given with learning rate 0.0001 in one place and 0.00001 in another.",
    "The best model is given with 20 epochs in one place and 10 in another.",
    "Late fusion's best is stated as 29.51 %, but its table's best is 22.83 %. (29.51 % is"
    " Temporal's, at learning rate 1e-4.)",
    "Early fusion at batch size 16 and learning rate 1e-5 stands as 22.56 % (test) and 19.15 %"
    " (validation) in the table of batch sizes, and as 27.08 % and 20.71 % in that of learning"
    " rates, which are the figures of batch size 8.",
)


@dataclass(frozen=True, kw_only=True)
class PublishedRow:
    """One run of the report, beside ours of the same settings.

    Attributes:
        series: the table it stands in, "batch_size" or "learning_rate".
        config: its settings.
        test, validation: as published, with Wilson's interval. That of validation assumes every
            clip that MS-ASL has, so it is at least as wide.
        ours: the experiment of the same settings; None where there is none.
    """

    series: str
    config: TrainConfig
    test: Interval
    validation: Interval
    ours: Experiment | None


def published_rows(experiments: Sequence[Experiment]) -> list[PublishedRow]:
    """Return the report's 32 runs beside ours; none where no experiment repeats one of them.

    An experiment repeats one if it has its settings and the report's ten classes.
    """
    by_settings = {
        replace(experiment.run.config, seed=0, fold=None): experiment
        for experiment in reversed(experiments)
        if set(experiment.run.classes) == CLASSES
    }
    rows = [
        PublishedRow(
            series=series,
            config=config,
            test=wilson_interval_of_share(test, TEST_CLIPS),
            validation=wilson_interval_of_share(validation, MOST_VALIDATION_CLIPS),
            ours=by_settings.get(config),
        )
        for series, config, test, validation in _figures()
    ]
    return rows if any(row.ours for row in rows) else []


@cache
def _figures() -> tuple[tuple[str, TrainConfig, float, float], ...]:
    text = files("signflow.evaluation").joinpath("course_report.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return tuple(
        (
            row["series"],
            TrainConfig(
                model=row["model"],
                batch_size=int(row["batch_size"]),
                learning_rate=float(row["learning_rate"]),
                epochs=int(row["epochs"]),
            ),
            round(float(row["test_accuracy"]) / 100, 4),
            round(float(row["val_accuracy"]) / 100, 4),
        )
        for row in csv.DictReader(lines)
    )
