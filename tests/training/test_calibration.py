"""Calibration: what is fitted on validation when training ends, and what becomes of it."""

import json
import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from squares import Signflow

from signflow.errors import UserError
from signflow.models import scores
from signflow.store import Store
from signflow.training import Calibration, TrainConfig, load_model, train
from signflow.training.calibration import (
    choose_threshold,
    fit_calibration,
    fit_stream_weights,
    fit_temperature,
)

CONFIG = TrainConfig(model="late-fusion", batch_size=8, learning_rate=1e-3, epochs=2)


def drawn(clips: int, *, streams: int = 1, classes: int = 5, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(clips, streams, classes, generator=generator)


def labels_as_likely_as(logits: torch.Tensor, seed: int = 1) -> torch.Tensor:
    """Draw true signs from the fused scores: such a net is perfectly calibrated."""
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(scores(logits), 1, generator=generator)[:, 0]


@pytest.mark.parametrize("factor", [0.6, 1.0, 3.0])
def test_a_net_that_is_surer_than_right_gets_the_temperature_that_mends_it(factor: float):
    honest = drawn(4000) * 2

    found = fit_calibration(honest * factor, labels_as_likely_as(honest), learned_fusion=False)

    assert found.temperature == pytest.approx(factor, rel=0.1)
    assert found.stream_weights is None


def test_calibrated_scores_rank_every_sign_as_before():
    logits = drawn(2000, streams=2, classes=12) * 4
    fused = scores(logits)

    for temperature in (0.5, 1.7, 10.0):
        given = Calibration(temperature=temperature).apply(logits)

        assert torch.equal(given.argsort(dim=1, stable=True), fused.argsort(dim=1, stable=True))
        torch.testing.assert_close(given.sum(dim=1), torch.ones(2000))
        by_formula = torch.softmax(fused.double().log() / temperature, dim=1).float()
        torch.testing.assert_close(given, by_formula)
    assert torch.equal(Calibration().apply(logits), fused)


def test_a_class_whose_score_is_rounded_to_nothing_stays_at_nothing():
    logits = torch.tensor([[[300.0, 0.0, -300.0]]])

    assert Calibration(temperature=2.0).apply(logits).tolist() == [[1.0, 0.0, 0.0]]


def test_a_handful_of_clips_that_are_all_right_does_not_make_it_certain():
    log_scores = np.log(np.array([[0.7, 0.2, 0.1]] * 5))

    few = fit_temperature(log_scores, np.zeros(5, dtype=np.int64))
    many = fit_temperature(np.repeat(log_scores, 100, axis=0), np.zeros(500, dtype=np.int64))

    assert 0.5 < few < 1
    assert many == pytest.approx(0.5, abs=0.01), "the bound"


def test_streams_weigh_as_much_as_they_know_and_none_is_silenced():
    logits = torch.cat([drawn(4000, seed=2) * 3, drawn(4000, seed=3) * 3], dim=1)
    mixed = scores(logits, weights=torch.tensor([0.7, 0.3]))
    labels = torch.multinomial(mixed, 1, generator=torch.Generator().manual_seed(1))[:, 0]

    found = fit_calibration(logits, labels, learned_fusion=True)

    assert found.stream_weights == pytest.approx((0.7, 0.3), abs=0.04)
    assert found.temperature == pytest.approx(1, abs=0.05)
    one_clip = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    assert fit_stream_weights(one_clip, np.array([0])) == pytest.approx((0.75, 0.25), abs=1e-6)


@pytest.mark.parametrize(
    ("confidence", "correct", "threshold", "says"),
    [
        ([0.4, 0.6, 0.9], [0, 1, 1], 0.5, "lowest at which 90%"),
        # All right: only what is far less sure than every clip is refused.
        ([0.9, 0.95, 0.99], [1, 1, 1], (0.25 + 0.9) / 2, "lowest at which 90%"),
        ([0.9], [1], (0.25 + 0.9) / 2, "lowest at which 90%"),
        # All wrong: nothing helps, so nothing that was not refused by all is given up.
        ([0.5, 0.7], [0, 0], (0.25 + 0.5) / 2, "were not to be had"),
        # The surest are wrong: at most half is refused, and the best of that is taken.
        ([0.4, 0.5, 0.8, 0.9], [0, 1, 1, 0], 0.45, "were not to be had"),
        # No threshold lies between equals.
        ([0.6, 0.6, 0.6, 0.9], [0, 1, 1, 1], (0.25 + 0.6) / 2, "were not to be had"),
        ([0.3] * 4 + [0.9] * 9, [0] * 4 + [1] * 9, 0.6, "lowest at which 90%"),
    ],
)
def test_the_threshold_is_the_lowest_that_makes_answers_right(
    confidence: list[float], correct: list[int], threshold: float, says: str
):
    given = np.array(confidence), np.array(correct, dtype=bool)

    found, criterion = choose_threshold(*given, classes=4)

    assert found == pytest.approx(threshold)
    assert says in criterion


def test_logits_that_are_no_numbers_leave_the_scores_as_they_are():
    logits = torch.full((4, 1, 3), float("nan"))

    found = fit_calibration(logits, torch.zeros(4, dtype=torch.int64), learned_fusion=False)

    assert (found.temperature, found.threshold) == (1.0, 0.0)
    assert "not finite" in found.criterion


@pytest.fixture(scope="module")
def finished(square_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "late"
    train(Store.open(square_store), config=CONFIG, out=out, device="cpu")
    return out


def test_training_ends_with_a_calibration_in_the_header(finished: Path, square_store: Path):
    found = load_model(finished / "model.safetensors").calibration
    val = [row for row in Store.open(square_store).splits()["val"] if row.built]

    assert found.clips == len(val) == 9
    assert 0.5 <= found.temperature <= 10
    assert found.temperature != 1
    assert 1 / 3 < found.threshold < 1
    assert 5 <= found.answered <= 9
    assert found.clip_seconds == pytest.approx(0.8)
    assert Calibration.from_dict(found.to_dict()) == found


def test_a_training_killed_before_the_run_was_complete_ends_in_the_same_calibration(
    finished: Path, square_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    store, out = Store.open(square_store), tmp_path / "run"
    # What says that the run is complete is written after the calibration.
    monkeypatch.setattr(import_module("signflow.training.train"), "write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        train(store, config=CONFIG, out=out, device="cpu", checkpoint_seconds=0)
    monkeypatch.undo()
    assert load_model(out / "model.safetensors").calibration.clips == 9

    run = train(store, config=CONFIG, out=out, device="cpu")

    assert run.complete
    first, second = (load_model(path / "model.safetensors") for path in (finished, out))
    assert first.calibration == second.calibration
    assert all(map(torch.equal, first.model.parameters(), second.model.parameters()))


def test_a_file_from_before_there_was_any_gives_the_scores_it_gave(finished: Path, tmp_path: Path):
    path = finished / "model.safetensors"
    with safe_open(path, "pt") as file:
        header = dict(file.metadata())
    del header["calibration"]
    save_file(load_file(path), tmp_path / "old.safetensors", header)

    assert load_model(tmp_path / "old.safetensors").calibration == Calibration()

    header["calibration"] = '{"temperature": -1}'
    save_file(load_file(path), tmp_path / "bad.safetensors", header)
    with pytest.raises(UserError, match=r"bad\.safetensors: its calibration is damaged"):
        load_model(tmp_path / "bad.safetensors")


def test_accuracies_are_those_of_the_uncalibrated_net(
    finished: Path, tmp_path: Path, signflow: Signflow
):
    old = tmp_path / "old"
    shutil.copytree(finished, old)
    path = old / "model.safetensors"
    with safe_open(path, "pt") as file:
        header = {key: value for key, value in file.metadata().items() if key != "calibration"}
    weights = {name: weight.clone() for name, weight in load_file(path).items()}
    save_file(weights, path, header)

    signflow("evaluate", finished, old)

    new, before = (
        json.loads((run / "result.json").read_text(encoding="utf-8")) for run in (finished, old)
    )
    assert new["calibration"]["temperature"] != 1
    assert before["calibration"]["temperature"] == 1
    for split in ("val", "test"):
        for name in ("top1", "confusion", "macro_f1"):
            assert new["splits"][split][name] == before["splits"][split][name]
        assert new["splits"][split]["loss"] != before["splits"][split]["loss"]
