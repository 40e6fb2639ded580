import json
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from signflow.errors import UserError
from signflow.evaluation.runs import RunRecord, find_runs
from signflow.evaluation.settings import differing_settings, settings_of
from signflow.files import write_json
from signflow.training import TrainConfig

from .conftest import GLOSSES, MakeRun
from .made_up import write_run


def test_a_run_is_read_with_all_that_it_holds(make_run: MakeRun) -> None:
    record = RunRecord.read(make_run("early-fusion", seed=3))
    assert (record.config.model, record.config.seed) == ("early-fusion", 3)
    assert [entry.epoch for entry in record.history] == [1, 2, 3]
    assert record.seconds == 96.0
    assert (record.best_epoch, record.parameters) == (2, 201_715_010)
    assert record.classes == GLOSSES
    assert set(record.splits) == {"val", "test"}
    assert (record.splits["test"].clips, record.splits["test"].asked) == (12, 13)
    predictions = record.predictions("test")
    assert predictions is not None
    assert predictions.correct.sum() == sum(c.correct for c in record.splits["test"].per_class)


def test_an_unfinished_run_without_evaluation_is_read_too(make_run: MakeRun) -> None:
    record = RunRecord.read(make_run(finished=1, splits=()))
    assert len(record.history) == 1
    assert record.best_epoch == 1
    assert record.splits == {}
    assert record.environment == {}
    assert record.predictions("test") is None


def test_a_run_before_its_first_epoch_is_read_too(make_run: MakeRun) -> None:
    record = RunRecord.read(make_run(finished=0, splits=()))
    assert record.history == ()
    assert record.seconds is None
    assert record.best_epoch is None


def test_the_command_repeats_the_run_also_where_names_hold_spaces(make_run: MakeRun) -> None:
    run = make_run("late-fusion", seed=7)
    record = RunRecord.read(run)
    words = shlex.split(record.train_command())
    assert words[:3] == ["signflow", "train", str(record.run.store_path)]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options == {
        "--model": "late-fusion",
        "--batch-size": "4",
        "--lr": "1e-05",
        "--epochs": "3",
        "--seed": "7",
        "--out": str(run),
    }
    evaluate = shlex.split(record.evaluate_command("test"))
    assert evaluate == ["signflow", "evaluate", str(run), "--split", "test"]


def test_runs_that_differ_in_seed_only_repeat_one_experiment(make_run: MakeRun) -> None:
    first, second, other = (
        RunRecord.read(make_run(model, seed=seed))
        for model, seed in [("temporal", 0), ("temporal", 1), ("spatial", 0)]
    )
    assert first.experiment == second.experiment
    assert first.experiment != other.experiment


def test_a_directory_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{tmp_path}: is no run"):
        RunRecord.read(tmp_path)


@pytest.mark.parametrize("file", ["config.json", "result.json"])
def test_another_schema_version_is_named_with_file_and_remedy(make_run: MakeRun, file: str) -> None:
    run = make_run()
    value = json.loads((run / file).read_text(encoding="utf-8"))
    (run / file).write_text(json.dumps({**value, "schema_version": 7}), encoding="utf-8")
    with pytest.raises(UserError, match=rf"{file}: schema_version is 7; .* again"):
        RunRecord.read(run)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("metrics.jsonl", '{"epoch": 1, "train_', "metrics.jsonl: is damaged .*; train again"),
        ("metrics.jsonl", '{"epoch": 1}', "metrics.jsonl: is damaged"),
        ("result.json", '{"schema_version": 2}', "'classes' is missing.*; delete it and evaluate"),
        ("result.json", "[]", "schema_version is None"),
        ("result.json", "{", "is no valid JSON"),
        ("environment.json", "[]", "environment.json: is damaged .*holds a list"),
    ],
)
def test_a_damaged_file_is_named(make_run: MakeRun, file: str, content: str, message: str) -> None:
    run = make_run()
    (run / file).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        RunRecord.read(run)


def test_a_result_of_the_first_version_is_measured_anew_from_its_predictions(
    make_run: MakeRun,
) -> None:
    run = make_run()
    now = RunRecord.read(run)
    value = json.loads((run / "result.json").read_text(encoding="utf-8"))
    value["schema_version"] = 1
    for result in value["splits"].values():
        for name in ("macro_f1", "calibration_error", "calibration_floor", "per_class_top5"):
            del result[name]
        result["loss"] = result["loss"]["value"]
    (run / "result.json").write_text(json.dumps(value), encoding="utf-8")
    (run / "predictions_val.parquet").unlink()
    assert RunRecord.read(run).splits == {"test": now.splits["test"]}


def test_runs_are_found_in_folders_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("bs16", "bs4", "deeper/bs8"):
        write_run(tmp_path / "all" / name, TrainConfig(epochs=1), correct={"val": [True]})
    alone = write_run(tmp_path / "alone", TrainConfig(epochs=1), correct={"val": [True]})
    found = find_runs([alone, tmp_path / "all", alone])
    assert [path.name for path in found] == ["alone", "bs4", "bs16", "bs8"]


def test_runs_that_a_search_gave_up_are_left_out_of_folders(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_json(tmp_path / name / "config.json", {})
    write_json(tmp_path / "a" / "pruned.json", {"epoch": 2})
    assert find_runs([tmp_path]) == [tmp_path / "b"]
    assert find_runs([tmp_path / "a"]) == [tmp_path / "a"]


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{tmp_path}: is no run .* and holds none"):
        find_runs([tmp_path])


def test_a_run_that_failed_says_why(make_run: MakeRun) -> None:
    run = make_run(finished=1, splits=())
    write_json(run / "failed.json", {"reason": "the loss is nan in epoch 2: it diverged"})
    assert RunRecord.read(run).failure == "the loss is nan in epoch 2: it diverged"
    assert RunRecord.read(make_run(seed=1)).failure is None


@dataclass(frozen=True, kw_only=True)
class LaterConfig(TrainConfig):
    """Settings that are yet to be added."""

    schedule: str = "constant"
    balance_classes: bool = False
    milestones: tuple[int, ...] = ()


def test_settings_that_are_yet_to_be_added_are_repeated_and_told_apart(make_run: MakeRun) -> None:
    record = RunRecord.read(make_run())
    usual = LaterConfig(**record.config.to_dict())
    changed = replace(usual, schedule="cosine", balance_classes=True, milestones=(3, 5))
    old, new = (
        replace(record, run=replace(record.run, config=config)) for config in (usual, changed)
    )
    added = ["--schedule", "cosine", "--balance-classes", "--milestones", "3", "5"]
    words = shlex.split(old.train_command())
    assert shlex.split(new.train_command()) == [*words[:-2], *added, *words[-2:]]
    assert old.experiment != new.experiment
    assert differing_settings([old, new]) == ["schedule", "balance classes", "milestones"]
    assert settings_of(new)["milestones"] == "3, 5"
    assert settings_of(new)["balance classes"] == "yes"
