"""Flow that is computed while training, from the frames as they are augmented."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from squares import Signflow

from signflow.errors import UserError
from signflow.models import Inputs
from signflow.store import Store
from signflow.training import Run, TrainConfig, batches, train
from signflow.training.online import what_is_read, with_online_flow

ONLINE = TrainConfig(model="temporal", batch_size=6, learning_rate=1e-3, epochs=2, flow="online")


@pytest.fixture(scope="module")
def store(square_store: Path) -> Store:
    return Store.open(square_store)


def losses(run: Path) -> list[float]:
    return [epoch.train_loss for epoch in Run.open(run).read_metrics()]


@pytest.mark.parametrize("rgb", [None, "middle", "all"])
def test_without_augmentation_a_batch_is_as_the_store_has_it(store: Store, rgb: str | None):
    inputs = Inputs(rgb=rgb, flow=True)
    rows = [row for row in store.rows if row.built][:4]
    (stored,) = batches(store, rows, inputs=inputs, batch_size=4)
    (frames,) = batches(store, rows, inputs=what_is_read(inputs, "online"), batch_size=4)

    online = with_online_flow(frames, recipe=store.recipe, inputs=inputs)

    assert frames.flow is None
    assert online.clip_ids == stored.clip_ids
    if rgb:
        assert torch.equal(online.rgb, stored.rgb)
    else:
        assert online.rgb is None
    apart = (online.flow - stored.flow.float()).abs()
    assert float((apart <= 1).float().mean()) > 0.99


def test_without_augmentation_it_learns_what_stored_flow_teaches(store: Store, tmp_path: Path):
    for flow in ("stored", "online"):
        train(store, config=replace(ONLINE, flow=flow), out=tmp_path / flow, device="cpu")

    assert losses(tmp_path / "online") == pytest.approx(losses(tmp_path / "stored"), abs=0.05)


def test_with_augmentation_the_flow_is_that_of_the_changed_frames(store: Store, tmp_path: Path):
    for flow in ("stored", "online"):
        config = replace(ONLINE, flow=flow, augment="standard", noise=0.0, epochs=1)
        train(store, config=config, out=tmp_path / flow, device="cpu")

    stored, online = losses(tmp_path / "stored"), losses(tmp_path / "online")
    assert online != stored
    assert online == pytest.approx(stored, abs=0.5)


def test_a_store_without_flow_teaches_the_same_and_is_evaluated(
    store: Store, square_table: Path, tmp_path: Path, signflow: Signflow
):
    size = ("--image-size", str(store.recipe.image_size), "--frames", str(store.recipe.frames))
    asked = (*size, "--protocol", "report", "--workers", "0", "--no-keep-flow")
    built = signflow("build", square_table, "--out", tmp_path / "frames", *asked)
    frames = Store.open(tmp_path / "frames")
    for name, source in (("kept", store), ("not", frames)):
        train(source, config=ONLINE, out=tmp_path / name, device="cpu")

    signflow("evaluate", tmp_path / "not", "--split", "val")

    assert "no flow is kept" in built.stdout
    assert losses(tmp_path / "not") == losses(tmp_path / "kept")
    first = [epoch.val_loss for epoch in Run.open(tmp_path / "kept").read_metrics()]
    other = [epoch.val_loss for epoch in Run.open(tmp_path / "not").read_metrics()]
    assert other == pytest.approx(first, abs=0.01)


def test_a_run_that_was_stopped_goes_on_to_the_same_losses(store: Store, tmp_path: Path):
    config = replace(ONLINE, augment="light")
    train(store, config=config, out=tmp_path / "whole", device="cpu")
    train(
        store,
        config=config,
        out=tmp_path / "parts",
        device="cpu",
        checkpoint_seconds=0,
        on_epoch=lambda metrics: metrics.epoch != 1,
    )
    train(store, config=config, out=tmp_path / "parts", device="cpu")

    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "spatial"}, "spatial sees no flow"),
        ({"mixup": 0.3}, "blended clips have no flow"),
        ({"cutmix": 0.3}, "blended clips have no flow"),
    ],
)
def test_what_has_no_flow_is_refused(
    store: Store, tmp_path: Path, change: dict[str, object], said: str
):
    with pytest.raises(UserError, match=said):
        train(store, config=replace(ONLINE, **change), out=tmp_path / "run", device="cpu")

    assert not (tmp_path / "run").exists()


def test_a_method_without_a_form_in_pytorch_is_refused(
    square_table: Path, tmp_path: Path, signflow: Signflow
):
    words = ("--image-size", "32", "--workers", "0", "--flow", "dis")
    signflow("build", square_table, "--out", tmp_path / "store", *words)

    asked = ("--flow", "online", "--out", tmp_path / "run")
    done = signflow("train", tmp_path / "store", *asked, check=False)

    assert done.returncode == 2
    assert "flow method dis has no form in PyTorch; build with --flow farneback or" in done.stderr
