import sys
from pathlib import Path

import pytest

from signflow.errors import UserError
from signflow.evaluation.runs import RunRecord
from signflow.evaluation.tensorboard import write_tensorboard

from .conftest import MakeRun


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    events = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="needs the extra tensorboard",
    )
    read = events.EventAccumulator(str(folder))
    read.Reload()
    return {
        tag: {event.step: event.value for event in read.Scalars(tag)}
        for tag in read.Tags()["scalars"]
    }


def test_event_files_hold_the_curves_and_the_results_once(
    make_run: MakeRun, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    run = make_run()
    logs = tmp_path / "logs"
    for _ in range(2):
        write_tensorboard([run], logs)
    record = RunRecord.read(run)
    assert [path.name for path in logs.iterdir()] == [run.name]
    found = scalars(logs / run.name)
    assert found["loss/train"] == pytest.approx({e.epoch: e.train_loss for e in record.history})
    assert found["top1/validation"] == pytest.approx({e.epoch: e.val_top1 for e in record.history})
    [top1] = found["test/top1"].values()
    assert top1 == pytest.approx(record.splits["test"].top1.value)


def test_runs_of_one_name_are_told_apart(make_run: MakeRun, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    run = make_run()
    run.rename(run.with_name("a"))
    other = make_run()
    (tmp_path / "deeper").mkdir()
    other.rename(tmp_path / "deeper" / "a")
    write_tensorboard([run.with_name("a"), tmp_path / "deeper" / "a"], tmp_path / "logs")
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {
        f"{tmp_path.name}-a",
        "deeper-a",
    }


def test_without_tensorboard_the_remedy_is_named(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match=r"pip install 'signflow\[tensorboard\]'"):
        write_tensorboard([make_run()], tmp_path / "logs")
