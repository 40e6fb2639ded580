from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from signflow.evaluation.experiments import Experiment, find_experiments
from signflow.evaluation.intervals import wilson_interval_of_share
from signflow.evaluation.published import CLASSES, NETS, TEST_CLIPS, PublishedRow, published_rows
from signflow.evaluation.runs import RunRecord
from signflow.training import TrainConfig

from .made_up import write_run

REPEATED = TrainConfig(model="early-fusion", batch_size=4, learning_rate=1e-5, epochs=10)
TEN = tuple(sorted(CLASSES))


def experiment(path: Path, config: TrainConfig, classes: tuple[str, ...] = TEN) -> Experiment:
    run = write_run(path, config, correct={"test": [True, False]}, classes=classes)
    [found] = find_experiments([RunRecord.read(run)], groups_of=lambda _: {})
    return found


@pytest.fixture
def rows(tmp_path: Path) -> list[PublishedRow]:
    return published_rows([experiment(tmp_path / "run", REPEATED)])


def test_the_reports_two_tables_are_whole(rows: list[PublishedRow]) -> None:
    assert len(rows) == 32
    assert len({row.config for row in rows}) == 28
    for series in ("batch_size", "learning_rate"):
        nets = [row.config.model for row in rows if row.series == series]
        assert nets == [net for net in NETS for _ in range(4)]


def test_ours_stands_beside_the_run_it_repeats_whatever_its_seed(tmp_path: Path) -> None:
    ours = experiment(tmp_path / "run", replace(REPEATED, seed=5))
    beside = [row for row in published_rows([ours]) if row.ours]
    assert [row.config for row in beside] == [REPEATED]
    [row] = beside
    assert row.test == wilson_interval_of_share(0.3587, 92)
    assert (row.test.low, row.test.high) == pytest.approx((0.268, 0.461), abs=1e-3)


@pytest.mark.parametrize(
    ("config", "classes"),
    [(replace(REPEATED, epochs=20), TEN), (REPEATED, ("one", "two"))],
    ids=["other settings", "other signs"],
)
def test_what_repeats_no_run_of_the_report_stands_beside_none(
    tmp_path: Path, config: TrainConfig, classes: tuple[str, ...]
) -> None:
    assert published_rows([experiment(tmp_path / "run", config, classes)]) == []


def reachable(clips: int, batch: int) -> np.ndarray:
    """Per cent that the mean over batches can be, the last, smaller batch weighing as much."""
    whole, rest = divmod(clips, batch)
    in_whole = np.arange(whole * batch + 1)[:, None] / batch
    in_rest = np.arange(rest + 1)[None, :] / rest if rest else np.zeros((1, 1))
    return 100 * (in_whole + in_rest).ravel() / (whole + bool(rest))


def test_the_published_test_figures_are_means_over_batches_of_92_clips(
    rows: list[PublishedRow],
) -> None:
    misfits = {}
    for clips in range(60, 121):
        misfits[clips] = [
            (row.config.model, row.config.batch_size)
            for row in rows
            # Rounded, or cut after the second decimal.
            if not np.any(
                (gap := reachable(clips, row.config.batch_size) - 100 * (row.test.value or 0))
                > -0.00501,
                where=gap < 0.00999,
            )
        ]
    fewest = min(len(entries) for entries in misfits.values())
    assert [clips for clips, entries in misfits.items() if len(entries) == fewest] == [TEST_CLIPS]
    # One figure, in both tables: 24.64, where 24.65 would fit.
    assert misfits[TEST_CLIPS] == [("temporal", 16)] * 2
