"""What `signflow train` and `signflow sweep` begin with, before any other option."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from squares import Signflow

from signflow.sweep import run_name
from signflow.training import PROTOCOLS, TrainConfig, default_config

QUICK = ("--epochs", "1", "--batch-size", "32")


def config_of(run: Path) -> dict[str, object]:
    values: dict[str, object] = json.loads((run / "config.json").read_text())
    return values


def test_a_training_begins_with_the_small_net_and_its_protocol(
    square_store: Path, tmp_path: Path, signflow: Signflow
):
    signflow("train", square_store, *QUICK, "--out", tmp_path / "run")

    expected = {**PROTOCOLS["standard"].to_dict(), "epochs": 1, "batch_size": 32}
    assert config_of(tmp_path / "run").items() >= expected.items()
    assert (expected["model"], expected["augment"]) == ("compact", "standard")


def test_the_reports_nets_begin_with_the_reports_protocol(
    square_store: Path, tmp_path: Path, signflow: Signflow
):
    signflow("train", square_store, "--model", "temporal", *QUICK, "--out", tmp_path / "run")

    expected = TrainConfig(model="temporal", epochs=1, batch_size=32).to_dict()
    assert config_of(tmp_path / "run").items() >= expected.items()


def test_a_protocol_that_is_asked_for_goes_with_any_net(
    square_store: Path, tmp_path: Path, signflow: Signflow
):
    for model, protocol in (("temporal", "standard"), ("compact", "report")):
        out = tmp_path / model
        words = [f"--model={model}", f"--protocol={protocol}", *QUICK, "--out", out]
        signflow("train", square_store, *words)

        asked = PROTOCOLS[protocol].to_dict()
        found = config_of(out)
        differing = {name for name in asked if found[name] != asked[name]}
        assert differing - {"model"} <= {"epochs", "batch_size"}


def test_an_unknown_protocol_is_wrong_use(square_store: Path, tmp_path: Path, signflow: Signflow):
    for command in ("train", "sweep"):
        words = ["--protocol", "fast", "--out", tmp_path / "x"]
        done = signflow(command, square_store, *words, check=False)

        assert done.returncode == 2
        assert "--protocol 'fast': unknown; the protocols are report, standard" in done.stderr


def test_a_sweep_does_not_mix_nets_of_different_protocols_unasked(
    square_store: Path, tmp_path: Path, signflow: Signflow
):
    grid = ("--grid", "model=compact,temporal", "--out", tmp_path / "runs")

    mixed = signflow("sweep", square_store, *grid, check=False)
    asked = signflow("sweep", square_store, *grid, "--protocol", "standard", *QUICK)

    assert mixed.returncode == 2
    assert "sweep them apart, or say --protocol standard" in mixed.stderr
    assert "2 of 2 runs are done" in asked.stdout


@pytest.mark.parametrize("model", [None, "temporal", "tsm"])
def test_the_command_that_repeats_a_run_names_what_differs_from_its_protocol(model: str | None):
    config = default_config(model)
    words = config.command_options()

    assert words[:2] == ["--model", config.model]
    assert len(words) == 10
    assert run_name(config).count("_") == 3


def test_what_a_protocol_has_on_and_a_run_off_is_told():
    config = replace(default_config(), augment="none", warmup_epochs=0.0)

    words = config.command_options()

    assert words[words.index("--augment") + 1] == "none"
    assert words[words.index("--warmup-epochs") + 1] == "0.0"
