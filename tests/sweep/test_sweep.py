"""Sweeps: every run once, whoever works on them, and a failure that stops nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from squares import Signflow

from signflow.errors import UserError
from signflow.models import registry
from signflow.models.temporal import Temporal
from signflow.store import Store
from signflow.sweep import SweepOptions, SweepSummary, planned_runs, sweep
from signflow.sweep.claims import Holder, _this_machine
from signflow.training import Run, TrainConfig, train

BASE = TrainConfig(model="temporal", batch_size=8, learning_rate=1e-3, epochs=1)
ON_CPU = SweepOptions(device="cpu")


@pytest.fixture(scope="module")
def store(square_store: Path) -> Store:
    return Store.open(square_store)


def swept(store: Store, out: Path, options: SweepOptions = ON_CPU, **grid: object) -> SweepSummary:
    return sweep(store, planned_runs(BASE, grid=grid), out=out, asked=grid, options=options)


def test_processes_share_the_runs_and_go_on_with_what_a_killed_one_left(
    store: Store, tmp_path: Path
):
    out = tmp_path / "runs"
    words = ["sweep", store.path, "--model", "temporal", "--epochs", "12", "--grid"]
    words += ["lr=1e-3,1e-4,1e-5,1e-6", "--out", out, "--device", "cpu"]
    words += ["--checkpoint-seconds", "0", "--poll-seconds", "0.1"]
    command = [sys.executable, "-m", "signflow.cli.main", *map(str, words)]
    first = out / "temporal_bs16_lr0.001_epochs12_seed0"

    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 200
    while not (first / "last.pt").exists():
        assert killed.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=240) for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert all("4 of 4 runs are done" in stdout for stdout, _ in said)
    done = [line for _, stderr in said for line in stderr.splitlines() if ": done" in line]
    assert Counter(line.split(":")[0] for line in done) == Counter(
        f"temporal_bs16_lr{rate}_epochs12_seed0" for rate in ("0.001", "0.0001", "1e-05", "1e-06")
    )
    assert list((out / ".claims").iterdir()) == []
    train(store, config=Run.open(first).config, out=tmp_path / "never", device="cpu")
    never, went_on = (load_file(run / "model.safetensors") for run in (tmp_path / "never", first))
    assert all(torch.equal(never[key], went_on[key]) for key in never)


def test_a_run_that_fails_is_recorded_and_the_others_go_on(
    store: Store, tmp_path: Path, signflow: Signflow
):
    words = ("sweep", store.path, "--model", "temporal", "--epochs", "1", "--device", "cpu")
    words += ("--grid", "lr=1e18,1e-3", "--out", tmp_path / "runs")
    failed = tmp_path / "runs" / "temporal_bs16_lr1e+18_epochs1_seed0" / "failed.json"

    done = signflow(*words, check=False)

    assert done.returncode == 1
    assert "1 of 2 runs are done" in done.stdout
    assert "diverged; give a smaller --lr" in done.stdout
    assert "diverged" in json.loads(failed.read_text())["reason"]
    assert not failed.with_name("failed.log").exists(), "a foreseen error needs no traceback"

    when = json.loads(failed.read_text())["when"]
    assert signflow(*words, check=False).returncode == 1
    assert json.loads(failed.read_text())["when"] == when, "it was tried again unasked"
    assert signflow(*words, "--retry-failed", check=False).returncode == 1
    assert json.loads(failed.read_text())["when"] > when


def test_an_unforeseen_error_leaves_its_traceback_and_can_be_tried_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Broken(Temporal):
        def forward(self, rgb=None, flow=None):
            raise ZeroDivisionError("of all things")

    out = tmp_path / "runs"
    monkeypatch.setitem(registry._models, "broken", Broken)

    summary = swept(store, out, model=("broken", "temporal"))

    assert list(summary.failed.values()) == ["ZeroDivisionError: of all things"]
    assert len(summary.done) == 1
    (log,) = out.glob("broken_*/failed.log")
    assert "in forward" in log.read_text()

    monkeypatch.setitem(registry._models, "broken", Temporal)
    retry = SweepOptions(device="cpu", retry_failed=True)
    assert len(swept(store, out, retry, model=("broken", "temporal")).done) == 2
    assert not log.exists()


def test_a_run_that_takes_its_process_down_again_and_again_is_given_up(
    store: Store, tmp_path: Path
):
    (run,) = planned_runs(BASE)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    claims = tmp_path / "runs" / ".claims"
    claims.mkdir(parents=True)
    holder = Holder(host="", machine=_this_machine(), pid=dead.pid, epochs=0, attempt=3)
    (claims / f"{run.name}.3").write_text(json.dumps(vars(holder)))

    summary = swept(store, tmp_path / "runs")

    assert summary.failed[run.name].startswith("3 times its process ended without a word")
    retry = SweepOptions(device="cpu", retry_failed=True)
    assert swept(store, tmp_path / "runs", retry).done == (run.name,)


def test_who_does_not_want_to_wait_leaves_what_others_hold(store: Store, tmp_path: Path):
    runs = planned_runs(BASE, seeds=2)
    claims = tmp_path / "runs" / ".claims"
    claims.mkdir(parents=True)
    holder = Holder(host="", machine="other", pid=1, epochs=0, attempt=1)
    (claims / f"{runs[0].name}.1").write_text(json.dumps(vars(holder)))

    options = SweepOptions(device="cpu", wait=False)
    summary = sweep(store, runs, out=tmp_path / "runs", asked={}, options=options)

    assert summary.elsewhere == (runs[0].name,)
    assert summary.done == (runs[1].name,)


def test_a_folder_takes_more_runs_and_keeps_what_was_asked(
    store: Store, tmp_path: Path, signflow: Signflow
):
    words = ("sweep", store.path, "--model", "temporal", "--epochs", "1", "--device", "cpu")
    words += ("--out", tmp_path / "runs")

    signflow(*words, "--grid", "fold=0,1")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/model.safetensors")}
    signflow(*words, "--grid", "fold=1,2", "--grid", "batch-size=16")
    signflow(*words, "--grid", "fold=0,1")

    asked = json.loads((tmp_path / "runs" / "sweep.json").read_text())
    names = [f"temporal_bs16_lr1e-05_epochs1_fold{fold}_seed0" for fold in (0, 1, 2)]
    assert asked["runs"] == names
    assert [command["grid"] for command in asked["commands"]] == [
        {"fold": [0, 1]},
        {"fold": [1, 2], "batch_size": [16]},
    ]
    assert [Run.open(tmp_path / "runs" / name).config.fold for name in names] == [0, 1, 2]
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())

    done = signflow("evaluate", tmp_path / "runs", "--split", "val", "--device", "cpu")
    assert done.stdout.count("temporal") == 3
    signflow("report", tmp_path / "runs", "--out", tmp_path / "report.html")
    assert all(name in (tmp_path / "report.html").read_text() for name in names)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--grid", "model=spatial,spacial"), "'spacial': unknown; the models are"),
        (("--grid", "fold=7"), "has the folds 0, 1, 2, 3"),
        (("--grid", "precision=16-mixed"), "--precision 16-mixed: needs a GPU"),
        (("--grid", "accumulate=32"), "accumulate is 32; must be at most batch_size 16"),
        (("--search", "3", "--protocol", "report"), "--search goes with neither"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    words: tuple[str, ...], message: str, store: Store, tmp_path: Path, signflow: Signflow
):
    out = tmp_path / "runs"

    done = signflow("sweep", store.path, "--out", out, "--device", "cpu", *words, check=False)

    assert done.returncode == 2
    assert message in done.stderr
    assert not out.exists()


def test_a_folder_of_something_else_or_of_another_store_is_left_alone(
    store: Store, tmp_path: Path, square_table: Path, signflow: Signflow
):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    with pytest.raises(UserError, match="is not empty and holds no sweep"):
        swept(store, tmp_path / "mine")

    swept(store, tmp_path / "runs")
    signflow("build", square_table, "--out", tmp_path / "other", "--image-size", "16")
    with pytest.raises(UserError, match="holds a sweep on the store"):
        swept(Store.open(tmp_path / "other"), tmp_path / "runs")
