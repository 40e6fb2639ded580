from pathlib import Path

import pytest

from signflow.evaluation.choice import choose
from signflow.evaluation.experiments import Experiment, find_experiments
from signflow.evaluation.runs import RunRecord
from signflow.training import TrainConfig

from .made_up import write_run


def run(path: Path, *, val: int = 0, test: int = 0, **options: object) -> RunRecord:
    """A run that recognises so many of 12 validation and 12 test clips."""
    weights = options.pop("weights", 1000)
    asked = options.pop("asked", None)
    splits = options.pop("splits", ("val", "test"))
    first = options.pop("first", 0)
    correct = {"val": [n < val for n in range(12)], "test": [n < test for n in range(12)]}
    config = TrainConfig(epochs=1, **options)  # type: ignore[arg-type]
    write_run(
        path,
        config,
        correct={split: correct[split] for split in splits},  # type: ignore[attr-defined]
        weights=weights,  # type: ignore[arg-type]
        asked=asked,  # type: ignore[arg-type]
        first=first,  # type: ignore[arg-type]
    )
    return RunRecord.read(path)


def experiments(*runs: RunRecord, groups: dict[str, str] | None = None) -> list[Experiment]:
    return find_experiments(runs, groups_of=lambda _: groups or {})


def test_runs_that_differ_in_seed_are_one_experiment_with_its_mean(tmp_path: Path) -> None:
    runs = [run(tmp_path / str(seed), seed=seed, test=3 + 3 * seed) for seed in range(3)]
    other = run(tmp_path / "other", seed=0, batch_size=4)
    first, second = experiments(runs[2], other, *runs[:2])
    assert (first.seeds, second.seeds) == ((0, 1, 2), (0,))
    assert first.test is not None
    assert first.test.top1.value == pytest.approx(0.5)
    assert first.test.by_seed == {0: 0.25, 1: 0.5, 2: 0.75}
    assert first.test.recognised["test/000"] == (3, 3)
    assert first.test.recognised["test/004"] == (2, 3)
    assert set(first.test.figures) == {
        "top1",
        "per_class_mean",
        "macro_f1",
        "loss",
        "calibration_error",
    }


def test_folds_are_one_experiment_over_all_their_clips(tmp_path: Path) -> None:
    runs = [
        run(tmp_path / f"{fold} {seed}", fold=fold, seed=seed, first=12 * fold, test=3 + 6 * fold)
        for fold in (1, 0)
        for seed in (1, 0)
    ]
    [found] = experiments(*runs)
    assert (found.seeds, found.folds) == ((0, 1), (0, 1))
    assert found.test is not None
    assert (found.test.clips, found.test.asked, found.test.runs) == (24, 24, 4)
    assert found.test.top1.value == pytest.approx(0.5)
    assert found.test.by_seed == {0: 0.5, 1: 0.5}
    assert found.test.recognised["test/012"] == (2, 2)


def test_a_run_that_is_given_twice_counts_once(tmp_path: Path) -> None:
    once = run(tmp_path / "a", seed=1)
    [found] = experiments(once, once)
    assert len(found.runs) == 1


def test_clips_that_could_not_be_had_are_told(tmp_path: Path) -> None:
    [found] = experiments(run(tmp_path / "a", asked=15))
    assert found.test is not None
    assert (found.test.clips, found.test.asked) == (12, 15)


def test_signers_widen_the_interval_where_they_are_known(tmp_path: Path) -> None:
    groups = {f"test/{number:03}": f"signer {number // 4}" for number in range(12)}
    [found] = experiments(run(tmp_path / "a", test=4), groups=groups)
    assert found.test is not None
    assert found.validation is not None
    assert found.test.groups == 3
    alone, together = found.test.figures["top1"], found.test.over_groups["top1"]
    assert together.high - together.low > alone.high - alone.low  # type: ignore[operator]
    assert found.validation.over_groups == {}


def test_validation_chooses_whatever_test_says(tmp_path: Path) -> None:
    found = experiments(
        run(tmp_path / "a", model="spatial", val=8, test=2),
        run(tmp_path / "b", model="temporal", val=7, test=12),
    )
    assert choose(found) is found[0]


def test_of_equals_the_simpler_net_is_chosen(tmp_path: Path) -> None:
    found = experiments(
        run(tmp_path / "a", model="early-fusion", val=8, weights=2000),
        run(tmp_path / "b", model="temporal", val=8, weights=1000),
        run(tmp_path / "c", model="spatial", val=7, weights=10),
    )
    assert choose(found) is found[1]


def test_the_mean_over_seeds_chooses_not_the_luckiest_run(tmp_path: Path) -> None:
    lucky = [run(tmp_path / f"a{s}", batch_size=4, seed=s, val=v) for s, v in [(0, 12), (1, 2)]]
    steady = [run(tmp_path / f"b{s}", batch_size=8, seed=s, val=9) for s in (0, 1)]
    found = experiments(*lucky, *steady)
    assert choose(found) is found[1]


def test_without_validation_nothing_is_chosen(tmp_path: Path) -> None:
    assert choose(experiments(run(tmp_path / "a", splits=("test",), test=12))) is None
    assert choose([]) is None
