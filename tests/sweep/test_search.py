"""Searching hyper-parameters: trials are runs, and a stopped search goes on."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from signflow.errors import UserError
from signflow.store import Store
from signflow.sweep import SweepOptions, SweepSummary
from signflow.sweep import search as search_runs
from signflow.training import Run, TrainConfig

optuna = pytest.importorskip("optuna", reason="the search needs Optuna (signflow[search])")

BASE = TrainConfig(model="temporal", batch_size=8, epochs=2)
ON_CPU = SweepOptions(device="cpu")


@pytest.fixture(scope="module")
def store(square_store: Path) -> Store:
    return Store.open(square_store)


def search(store: Store, out: Path, trials: int, **more: object) -> SweepSummary:
    return search_runs(store, BASE, out=out, trials=trials, options=ON_CPU, **more)


def trials_of(out: Path) -> list["optuna.trial.FrozenTrial"]:
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(out / "search.log"))
    )
    return optuna.load_study(study_name="signflow", storage=storage).trials


def test_every_trial_is_a_run_and_its_value_the_best_validation(store: Store, tmp_path: Path):
    summary = search(store, tmp_path, 3, grid={"batch_size": (8, 16)})

    assert len(summary.done) + len(summary.failed) == 3
    for trial in trials_of(tmp_path):
        run = Run.open(tmp_path / f"trial{trial.number:04d}")
        assert {name: getattr(run.config, name) for name in trial.params} == trial.params
        assert run.config.seed == BASE.seed
        if trial.state.name == "COMPLETE":
            assert trial.value == max(epoch.val_top1 for epoch in run.read_metrics())
            assert len(trial.intermediate_values) == BASE.epochs
    assert set(trials_of(tmp_path)[0].params) == {
        "batch_size", "learning_rate", "weight_decay", "label_smoothing",
    }  # fmt: skip


def test_a_stopped_search_goes_on_with_the_trial_it_was_at(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rates = {"learning_rate": (1e-4, 1e-3)}
    reported = optuna.trial.Trial.report

    def stop_in_the_second(trial: "optuna.Trial", value: float, step: int) -> None:
        reported(trial, value, step)
        if trial.number == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(optuna.trial.Trial, "report", stop_in_the_second)
        with pytest.raises(KeyboardInterrupt):
            search(store, tmp_path, 3, grid=rates)
    assert [trial.state.name for trial in trials_of(tmp_path)] == ["COMPLETE", "RUNNING"]
    params = trials_of(tmp_path)[1].params

    summary = search(store, tmp_path, 3, grid=rates)
    more = search(store, tmp_path, 4, grid=rates)

    assert len(summary.done) == 3
    assert len(more.done) == 4
    trials = trials_of(tmp_path)
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 4
    assert trials[1].params == params
    assert len({trial.params["weight_decay"] for trial in trials}) == 4


def test_a_trial_behind_the_others_is_given_up_and_said_to_be(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class GoodThenBad(optuna.samplers.RandomSampler):
        def sample_independent(self, study, trial, name, distribution):
            if name == "learning_rate":
                return (1e-3, 1e-3, 1e-30)[trial.number]
            return {"batch_size": 8, "weight_decay": 1e-6, "label_smoothing": 0.0}[name]

    monkeypatch.setattr("optuna.samplers.TPESampler", GoodThenBad)
    monkeypatch.setattr("signflow.sweep.trials.STARTUP_TRIALS", 1)
    monkeypatch.setattr("signflow.sweep.trials.WARMUP_EPOCHS", 1)
    base = replace(BASE, epochs=5)
    grid = {"learning_rate": (1e-3, 1e-30)}

    summary = search_runs(store, base, out=tmp_path, trials=3, grid=grid, options=ON_CPU)

    states = [trial.state.name for trial in trials_of(tmp_path)]
    assert states == ["COMPLETE", "COMPLETE", "PRUNED"]
    assert summary.pruned == ("trial0002",)
    run = tmp_path / "trial0002"
    epochs = json.loads((run / "pruned.json").read_text())["epoch"]
    assert epochs < base.epochs
    assert not (run / "last.pt").exists()
    assert len(Run.open(run).read_metrics()) == epochs
    again = search_runs(store, base, out=tmp_path, trials=3, grid=grid, options=ON_CPU)
    assert again == summary


def test_another_search_does_not_go_into_the_same_folder(store: Store, tmp_path: Path):
    search(store, tmp_path, 1)

    with pytest.raises(UserError, match="holds a search with epochs 2, not 3"):
        search_runs(store, replace(BASE, epochs=3), out=tmp_path, trials=1, options=ON_CPU)
    with pytest.raises(UserError, match="grid"):
        search(store, tmp_path, 1, grid={"batch_size": (8,)})


def test_without_optuna_the_message_says_what_to_install(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("signflow.sweep.trials.find_spec", lambda name: None)

    with pytest.raises(UserError, match=r"pip install 'signflow\[search\]'"):
        search(store, tmp_path, 1)
