"""What can be asked of a training beyond the report's protocol."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from interruption import train_until
from lightning_fabric.plugins.precision.amp import MixedPrecision
from safetensors.torch import load_file
from squares import Signflow

from signflow.errors import UserError
from signflow.store import Store
from signflow.training import Run, TrainConfig, train

QUICK = TrainConfig(model="temporal", batch_size=5, learning_rate=1e-3, epochs=2)


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model.safetensors")


def losses(run: Path) -> list[float]:
    epochs = Run.open(run).read_metrics()
    return [loss for epoch in epochs for loss in (epoch.train_loss, epoch.val_loss)]


@pytest.fixture(scope="module")
def store(square_store: Path) -> Store:
    return Store.open(square_store)


@pytest.fixture(scope="module")
def plain(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "plain"
    train(store, config=QUICK, out=out, device="cpu")
    return out


def test_a_step_in_parts_is_the_step_of_the_whole_batch(store: Store, plain: Path, tmp_path: Path):
    train(store, config=replace(QUICK, accumulate=3), out=tmp_path / "run", device="cpu")

    # The parts' sums are rounded in another order; all else is the same, dropout too.
    assert losses(tmp_path / "run") == pytest.approx(losses(plain), abs=1e-5)


def test_a_step_in_parts_is_augmented_as_the_whole_batch_is(store: Store, tmp_path: Path):
    for parts in (1, 3):
        config = replace(QUICK, augment="standard", flip=True, erase_still=0.5, accumulate=parts)
        train(store, config=config, out=tmp_path / str(parts), device="cpu")

    assert losses(tmp_path / "3") == pytest.approx(losses(tmp_path / "1"), abs=1e-4)


ALL_AT_ONCE = replace(
    QUICK,
    epochs=4,
    accumulate=2,
    precision="bf16-mixed",
    schedule="cosine",
    warmup_epochs=0.5,
    weight_decay=0.05,
    label_smoothing=0.1,
    class_weights="balanced",
    patience=3,
    augment="standard",
    mixup=0.4,
)


def test_an_interrupted_run_with_every_option_ends_as_if_never_stopped(
    store: Store, tmp_path: Path
):
    train_until(3, store, config=ALL_AT_ONCE, out=tmp_path / "stopped")
    assert (tmp_path / "stopped" / "last.pt").exists()
    for name in ("stopped", "never"):
        train(store, config=ALL_AT_ONCE, out=tmp_path / name, device="cpu")

    stopped, never = weights(tmp_path / "stopped"), weights(tmp_path / "never")
    assert all(torch.equal(stopped[key], never[key]) for key in never)
    assert losses(tmp_path / "stopped") == losses(tmp_path / "never")


def test_a_checkpoint_of_a_net_that_was_another_is_refused_and_kept(store: Store, tmp_path: Path):
    train_until(2, store, config=QUICK, out=tmp_path / "run")
    path = tmp_path / "run" / "last.pt"
    saved = torch.load(path, weights_only=True)
    name = next(iter(saved["model"]))
    saved["model"][name] = saved["model"][name][..., :1]
    torch.save(saved, path)
    kept = path.read_bytes()

    with pytest.raises(UserError, match=r"last\.pt: cannot be gone on from .* give another --out"):
        train(store, config=QUICK, out=tmp_path / "run", device="cpu")

    assert path.read_bytes() == kept


def test_training_stops_when_validation_gets_no_better(store: Store, tmp_path: Path):
    # A single frame says nothing of the motion, so that validation soon gets worse.
    config = replace(QUICK, model="spatial", learning_rate=3e-3, epochs=30, patience=2, seed=1)

    run = train(store, config=config, out=tmp_path / "run", device="cpu")

    history = run.read_metrics()
    best = max(epoch.epoch for epoch in history if epoch.best)
    assert len(history) == best + 2 < 30
    assert run.complete
    assert not run.last_path.exists()


def test_reported_losses_are_plain_whatever_is_made_small(
    store: Store, plain: Path, tmp_path: Path
):
    # With a learning rate of next to nothing all nets are the one that was drawn from the seed.
    still = replace(QUICK, learning_rate=1e-30, epochs=1)
    smooth = replace(still, label_smoothing=0.5, class_weights="balanced", weight_decay=0.1)
    for name, config in (("still", still), ("smooth", smooth)):
        train(store, config=config, out=tmp_path / name, device="cpu")

    assert losses(tmp_path / "smooth") == losses(tmp_path / "still")


@pytest.mark.parametrize(
    "options",
    [
        {"label_smoothing": 0.1},
        {"weight_decay": 0.5},
        {"schedule": "step", "step_epochs": 1},
        {"warmup_epochs": 1.0},
        {"precision": "bf16-mixed"},
        {"augment": "light"},
        {"cutmix": 1.0},
    ],
)
def test_an_option_changes_what_is_learnt(
    options: dict[str, object], store: Store, plain: Path, tmp_path: Path
):
    train(store, config=replace(QUICK, **options), out=tmp_path / "run", device="cpu")

    learnt = weights(tmp_path / "run")
    assert any(not torch.equal(learnt[key], value) for key, value in weights(plain).items())


def test_weight_decay_leaves_biases_alone(store: Store, tmp_path: Path):
    # Adam's own part of a step is at most the learning rate; decay takes half of a weight here.
    config = replace(QUICK, learning_rate=1e-5, weight_decay=5e4, epochs=1, batch_size=30)

    train(store, config=config, out=tmp_path / "run", device="cpu")

    torch.manual_seed(config.seed)
    from signflow.models import create_model
    from signflow.training.weights import model_shape

    before = create_model("temporal", shape=model_shape(store.recipe, store.classes)).state_dict()
    for name, after in weights(tmp_path / "run").items():
        kept = 0.5 if after.ndim > 1 else 1.0
        torch.testing.assert_close(after, before[name] * kept, atol=3e-5, rtol=0)


def test_half_precision_on_a_cpu_is_refused_before_anything_is_written(
    square_store: Path, tmp_path: Path, signflow: Signflow
):
    out = tmp_path / "run"
    words = ("train", square_store, "--out", out, "--device", "cpu")

    done = signflow(*words, "--precision", "16-mixed", check=False)

    assert done.returncode == 2
    assert "--precision 16-mixed: needs a GPU" in done.stderr
    assert not out.exists()


def test_the_loss_scale_of_half_precision_survives_an_interruption(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def half_precision(connector: object) -> MixedPrecision:
        # On a CPU too slow to be of use, which is why it is refused; the scaler is the same.
        scaler = torch.amp.GradScaler("cpu", init_scale=256.0, growth_interval=5)
        return MixedPrecision("16-mixed", device="cpu", scaler=scaler)

    monkeypatch.setattr(
        "lightning_fabric.connector._Connector._check_and_init_precision", half_precision
    )
    config = replace(QUICK, epochs=4)
    train_until(3, store, config=config, out=tmp_path / "run")
    saved = torch.load(tmp_path / "run" / "last.pt", weights_only=True)["precision"]
    assert saved["scale"] != 256.0 or saved["_growth_tracker"] != 0, "there is nothing to restore"

    for name in ("run", "never"):
        train(store, config=config, out=tmp_path / name, device="cpu")

    assert losses(tmp_path / "run") == losses(tmp_path / "never")
    stopped, never = weights(tmp_path / "run"), weights(tmp_path / "never")
    assert all(torch.equal(stopped[key], never[key]) for key in never)


def test_a_run_from_before_there_were_options_is_the_protocol(plain: Path, tmp_path: Path):
    config = json.loads((plain / "config.json").read_text())
    for name in QUICK.to_dict():
        if name not in ("model", "batch_size", "learning_rate", "epochs", "seed", "fold"):
            del config[name]
    old = tmp_path / "old"
    old.mkdir()
    (old / "config.json").write_text(json.dumps(config))

    assert Run.open(old).config == QUICK


def test_the_command_of_a_run_names_the_options_it_needs():
    config = replace(QUICK, patience=3, class_weights="balanced")

    assert shlex.join(config.command_options()) == (
        "--model temporal --batch-size 5 --lr 0.001 --epochs 2 --seed 0"
        " --class-weights balanced --patience 3"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "16-true"}, "precision is 16-true; must be one of 32-true, bf16-mixed"),
        ({"schedule": "linear"}, "schedule is linear; must be one of constant, cosine, step"),
        ({"class_weights": "rare"}, "class_weights is rare; must be one of none, balanced"),
        ({"accumulate": 0}, "accumulate is 0; must be 1 or more"),
        ({"accumulate": 17}, "accumulate is 17; must be at most batch_size 16"),
        ({"label_smoothing": 1.0}, "label_smoothing is 1.0; must be 0 or more and below 1"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1; must be 0 or more"),
        ({"warmup_epochs": float("nan")}, "warmup_epochs is nan; must be 0 or more"),
        ({"step_factor": 0.0}, "step_factor is 0.0; must be above 0 and at most 1"),
        ({"patience": 0}, "patience is 0; must be 1 or more"),
        ({"clips_per_sign": 0}, "clips_per_sign is 0; must be 1 or more"),
    ],
)
def test_a_value_out_of_range_is_refused_with_what_is_allowed(
    options: dict[str, object], message: str
):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**options)
