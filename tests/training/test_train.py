"""Training: what it learns, what it writes, and that a kill changes nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from squares import Signflow

from signflow.compiled import has_numba
from signflow.errors import UserError
from signflow.models import Inputs
from signflow.store import Store
from signflow.training import Run, TrainConfig, batches, train

CONFIG = TrainConfig(model="temporal", batch_size=8, learning_rate=1e-3, epochs=4)


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model.safetensors")


def same_weights(first: Path, second: Path) -> bool:
    one, two = weights(first), weights(second)
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


def metrics(run: Path) -> list[dict[str, object]]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def finished(square_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "temporal"
    train(Store.open(square_store), config=CONFIG, out=out, device="cpu")
    return out


def test_a_run_directory_holds_what_it_must(finished: Path, square_store: Path):
    assert sorted(path.name for path in finished.iterdir()) == [
        "config.json",
        "environment.json",
        "metrics.jsonl",
        "model.safetensors",
    ]
    config = json.loads((finished / "config.json").read_text())
    assert config["learning_rate"] == 1e-3
    assert config == {
        "schema_version": 1,
        "store": str(square_store),
        "store_fingerprint": Store.open(square_store).fingerprint,
        **CONFIG.to_dict(),
    }


def test_a_run_says_on_what_it_ran(finished: Path):
    said = json.loads((finished / "environment.json").read_text())

    assert said["torch"] == torch.__version__
    assert said["instructions"] == torch.backends.cpu.get_cpu_capability()
    assert (said["numba"] != "none") == has_numba()  # two of its kernels train the report's nets


def test_motion_is_learnt_from_a_handful_of_clips(finished: Path):
    last = metrics(finished)[-1]

    assert last["val_top1"] == 1.0
    assert last["train_loss"] < metrics(finished)[0]["train_loss"]


def test_the_kept_weights_are_those_of_the_best_epoch(square_store: Path, tmp_path: Path):
    store = Store.open(square_store)
    # A single frame says nothing of the motion, so that validation soon gets worse.
    changes = {"model": "spatial", "learning_rate": 3e-3, "seed": 1}
    spatial = TrainConfig(**{**vars(CONFIG), **changes})
    train(store, config=spatial, out=tmp_path / "long", device="cpu")
    best = [epoch for epoch in metrics(tmp_path / "long") if epoch["best"]][-1]
    assert best["epoch"] < CONFIG.epochs, "the test needs a best epoch that is not the last"

    shorter = TrainConfig(**{**vars(spatial), "epochs": best["epoch"]})
    train(store, config=shorter, out=tmp_path / "short", device="cpu")

    assert same_weights(tmp_path / "long", tmp_path / "short")


@pytest.mark.parametrize("model", ["early-fusion", "late-fusion"])
def test_the_same_configuration_gives_the_same_weights(
    model: str, square_store: Path, tmp_path: Path
):
    config = TrainConfig(model=model, batch_size=8, epochs=1)
    for name in ("a", "b"):
        train(Store.open(square_store), config=config, out=tmp_path / name, device="cpu")
    other = TrainConfig(model=model, batch_size=8, epochs=1, seed=1)
    train(Store.open(square_store), config=other, out=tmp_path / "c", device="cpu")

    assert same_weights(tmp_path / "a", tmp_path / "b")
    assert not same_weights(tmp_path / "a", tmp_path / "c")


def test_a_killed_training_ends_with_the_weights_of_one_never_killed(
    square_store: Path, tmp_path: Path, signflow: Signflow
):
    words = ["train", square_store, "--model", "early-fusion", "--lr", "1e-3", "--epochs", "8"]
    words += ["--batch-size", "4", "--checkpoint-seconds", "0", "--device", "cpu"]
    killed, never = tmp_path / "killed", tmp_path / "never"
    command = [sys.executable, "-m", "signflow.cli.main", *map(str, [*words, "--out", killed])]

    for epochs in (1, 4):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 200
        while not ((killed / "last.pt").exists() and len(metrics(killed)) >= epochs):
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert not (killed / "environment.json").exists()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=240)

    signflow(*words, "--out", never)
    assert same_weights(killed, never)
    assert metrics(killed) == metrics(never)
    assert not (killed / "last.pt").exists()


def test_a_finished_run_is_not_trained_again(finished: Path, square_store: Path):
    before = (finished / "model.safetensors").stat().st_mtime_ns

    train(Store.open(square_store), config=CONFIG, out=finished, device="cpu")

    assert (finished / "model.safetensors").stat().st_mtime_ns == before


def test_other_settings_do_not_overwrite_a_run(finished: Path, square_store: Path):
    other = TrainConfig(**{**vars(CONFIG), "learning_rate": 5e-4})

    with pytest.raises(UserError, match=r"holds a run with learning_rate 0.001, not 0.0005"):
        train(Store.open(square_store), config=other, out=finished, device="cpu")


def test_a_loss_that_diverges_ends_with_advice(square_store: Path, tmp_path: Path):
    config = TrainConfig(model="spatial", learning_rate=1e18, epochs=3, batch_size=8)

    with pytest.raises(UserError, match=r"diverged; give a smaller --lr") as caught:
        train(Store.open(square_store), config=config, out=tmp_path / "run", device="cpu")

    assert caught.value.exit_status == 1


def test_a_store_without_validation_clips_is_refused(tmp_path: Path, signflow: Signflow):
    from squares import write_square_video

    for gloss in ("down", "left"):
        write_square_video(tmp_path / "clips" / "train" / gloss / "a.mp4", gloss=gloss)
    signflow("build", tmp_path / "clips", "--out", tmp_path / "store", "--image-size", "16")

    done = signflow("train", tmp_path / "store", "--out", tmp_path / "run", check=False)

    assert done.returncode == 2
    assert "no built clips in the split val" in done.stderr


@pytest.mark.parametrize(
    ("field", "value"),
    [("batch_size", 0), ("epochs", 0), ("learning_rate", -1.0), ("seed", -1)],
)
def test_values_out_of_range_are_refused_by_name(field: str, value: float):
    with pytest.raises(ValueError, match=f"{field} is {value}"):
        TrainConfig(**{field: value})


def test_batches_keep_the_order_and_read_only_what_is_asked_for(square_store: Path):
    store = Store.open(square_store)
    rows = store.rows[:7]

    read = list(batches(store, rows, inputs=Inputs(rgb="middle", flow=False), batch_size=3))

    assert [len(batch.clip_ids) for batch in read] == [3, 3, 1]
    assert [clip_id for batch in read for clip_id in batch.clip_ids] == [
        row.clip.clip_id for row in rows
    ]
    assert read[0].flow is None
    assert read[0].rgb is not None
    assert read[0].rgb.shape == (3, 1, 32, 32, 3)
    first = store.sample(rows[0].clip.clip_id)
    assert torch.equal(read[0].rgb[0, 0], torch.tensor(first.frames[5]))


def test_all_frames_and_flow_come_where_a_model_asks_for_them(square_store: Path):
    store = Store.open(square_store)

    (batch,) = batches(store, store.rows[:2], inputs=Inputs(rgb="all", flow=True), batch_size=4)

    assert batch.rgb is not None
    assert batch.flow is not None
    assert batch.rgb.shape == (2, 10, 32, 32, 3)
    assert batch.flow.shape == (2, 9, 32, 32, 2)
    assert list(batches(store, [], inputs=Inputs(rgb=None, flow=True), batch_size=4)) == []


def test_a_run_of_another_store_does_not_read_this_one(finished: Path, tmp_path: Path):
    run = Run.open(finished)
    config = json.loads((finished / "config.json").read_text())
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "config.json").write_text(json.dumps({**config, "store_fingerprint": "0000"}))

    with pytest.raises(UserError, match="is not the store that"):
        Run.open(copy).open_store()
    assert run.open_store().fingerprint == run.store_fingerprint
