"""What learns: how its weights lie in memory, and that this changes nothing that is learnt."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from interruption import train_until
from lightning_fabric import Fabric
from squares import Signflow
from torch import nn

from signflow.errors import UserError
from signflow.models import create_model
from signflow.store import Store
from signflow.training import TrainConfig, low_memory, train
from signflow.training import learner as learner_module
from signflow.training.learner import Learner, make_learner
from signflow.training.low_memory import LowMemory
from signflow.training.weights import load_model, model_shape

QUICK = TrainConfig(model="early-fusion", batch_size=6, learning_rate=1e-4, epochs=3)


@pytest.fixture(scope="module")
def store(square_store: Path) -> Store:
    return Store.open(square_store)


def learner_of(store: Store, config: TrainConfig, low_memory: LowMemory = "auto") -> Learner:
    fabric = Fabric(accelerator="cpu", devices=1)
    return make_learner(
        fabric, config=config, store=store, train_rows=store.rows, low_memory=low_memory
    )


@pytest.mark.parametrize(
    ("processor", "changes", "side_by_side"),
    [
        ("AVX512", {}, True),
        ("AVX2", {}, False),
        ("AVX2", {"precision": "bf16-mixed"}, True),
        ("AVX2", {"model": "compact"}, True),
    ],
)
def test_a_pixels_channels_lie_side_by_side_where_that_is_faster(
    processor: str,
    changes: dict[str, Any],
    side_by_side: bool,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(learner_module, "get_cpu_capability", lambda: processor)

    net = learner_of(store, replace(QUICK, **changes), "off").net

    kernels = [layer.weight for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    wide = next(kernel for kernel in kernels if min(kernel.shape[1:]) > 1)
    assert wide.is_contiguous(memory_format=torch.channels_last) is side_by_side


def test_channels_side_by_side_give_the_same(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(learner_module, "get_cpu_capability", lambda: "AVX512")
    learner = learner_of(store, QUICK, "off")
    torch.manual_seed(QUICK.seed)
    usual = create_model("early-fusion", shape=model_shape(store.recipe, store.classes))
    rgb = torch.randint(256, (4, 1, 32, 32, 3), dtype=torch.uint8)
    flow = torch.randint(256, (4, 9, 32, 32, 2), dtype=torch.uint8)

    for net in (learner.net, usual):
        torch.manual_seed(1)  # of dropout
        net(rgb=rgb, flow=flow).logsumexp(-1).sum().backward()

    for mine, other in zip(learner.net.parameters(), usual.parameters(), strict=True):
        assert torch.equal(mine, other)
        assert mine.grad is not None
        assert other.grad is not None
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-4, atol=1e-5)


def test_a_checkpoint_with_another_layout_is_gone_on_from(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Those of another processor, or of an older signflow, lie in PyTorch's own order."""
    monkeypatch.setattr(learner_module, "get_cpu_capability", lambda: "AVX512")
    run = tmp_path / "run"
    train(store, config=QUICK, out=tmp_path / "never", device="cpu")
    train_until(2, store, config=QUICK, out=run)
    state = torch.load(run / "last.pt", weights_only=True)
    state["model"] = {name: weights.contiguous() for name, weights in state["model"].items()}
    for moments in state["optimizer"]["state"].values():
        moments |= {name: moment.contiguous() for name, moment in moments.items()}
    torch.save(state, run / "last.pt")

    train(store, config=QUICK, out=run, device="cpu")

    expected = load_model(tmp_path / "never" / "model.safetensors").model.state_dict()
    found = load_model(run / "model.safetensors").model.state_dict()
    assert all(torch.equal(weights, expected[name]) for name, weights in found.items())


@pytest.mark.parametrize(
    ("model", "asked", "in_pieces"),
    [
        ("early-fusion", "auto", True),
        ("early-fusion", "on", True),
        ("early-fusion", "off", False),
        ("temporal", "auto", False),  # at 32 pixels it has no layer that is large enough
    ],
)
def test_the_reports_nets_learn_in_pieces_on_a_cpu(
    model: str,
    asked: LowMemory,
    in_pieces: bool,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(low_memory, "LARGE", 8_000_000)

    learner = learner_of(store, replace(QUICK, model=model), asked)

    layer = learner.net.get_submodule("classifier.1")
    assert layer.weight.requires_grad is not in_pieces


def test_bf16_is_refused_where_it_gives_wrong_gradients(
    store: Store, square_store: Path, tmp_path: Path, signflow: Signflow
):
    config = TrainConfig(model="r2plus1d-18", precision="bf16-mixed")
    message = "--precision bf16-mixed: r2plus1d-18 convolves over time"

    with pytest.raises(UserError, match=message):
        train(store, config=config, out=tmp_path / "run", device="cpu")
    swept = signflow(
        *("sweep", square_store, "--grid", "model=r2plus1d-18,tsm", "--device", "cpu"),
        *("--precision", "bf16-mixed", "--out", tmp_path / "sweep"),
        check=False,
    )

    assert not (tmp_path / "run").exists()
    assert swept.returncode == 2
    assert message in swept.stderr
    assert not (tmp_path / "sweep").exists()
