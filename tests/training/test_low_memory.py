"""Adam in pieces learns what Adam learns, without a whole gradient of the largest layer."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from interruption import train_until
from safetensors.torch import load_file
from squares import Signflow
from torch import Tensor, nn

from signflow.errors import UserError
from signflow.models import Inputs, SignModel, create_model
from signflow.store import Store
from signflow.training import Processes, TrainConfig, low_memory, train
from signflow.training import weights as training_weights
from signflow.training.config import Precision
from signflow.training.low_memory import PiecewiseAdam
from signflow.training.weights import model_shape

QUICK = TrainConfig(model="early-fusion", batch_size=6, learning_rate=1e-4, epochs=2)


def weights(run: Path) -> dict[str, Tensor]:
    return load_file(run / "model.safetensors")


def furthest(one: Path, other: Path) -> float:
    """The largest difference between any two weights."""
    theirs = weights(other)
    return max(float((mine - theirs[name]).abs().max()) for name, mine in weights(one).items())


@pytest.fixture(scope="module")
def store(square_store: Path) -> Store:
    return Store.open(square_store)


@pytest.fixture
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 32 pixels the layer has 8.2 M weights: 1,000 rows; pieces are of 37, the last of 1."""
    monkeypatch.setattr(low_memory, "LARGE", 8_000_000)
    monkeypatch.setattr(low_memory, "PIECE", 37 * 8192)
    monkeypatch.setattr(low_memory, "LEAST_ROWS", 1)
    monkeypatch.setattr(low_memory, "MOST_ROWS", 1)


@pytest.fixture(params=["in registers", "in pieces"])
def with_and_without_numba(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "in registers":
        pytest.importorskip("numba")
    else:
        monkeypatch.setattr(low_memory, "has_numba", lambda: False)


@pytest.mark.usefixtures("small_is_large", "with_and_without_numba")
@pytest.mark.parametrize(
    ("options", "furthest_apart", "apart"),
    [
        # By kernels, products are summed in another order. Adam divides gradients by their size, so
        # that where one is all but nothing, a step of the learning rate's size may differ.
        ({}, 1e-4, 1e-9),
        ({"weight_decay": 0.05, "schedule": "cosine", "label_smoothing": 0.1}, 1e-4, 1e-9),
        # In registers the gradient isn't rounded to 16 bits first; what comes of it is.
        ({"precision": "bf16-mixed"}, 6e-4, 1e-6),
        ({"accumulate": 3}, 6e-4, 1e-7),
    ],
)
def test_what_is_learnt_is_the_same_but_for_rounding(
    options: dict[str, object], furthest_apart: float, apart: float, store: Store, tmp_path: Path
):
    config = replace(QUICK, **options)
    for name, little in (("plain", "off"), ("pieces", "auto")):
        train(store, config=config, out=tmp_path / name, device="cpu", low_memory=little)

    assert furthest(tmp_path / "plain", tmp_path / "pieces") <= furthest_apart
    whole = weights(tmp_path / "plain")["classifier.1.weight"]
    pieces = weights(tmp_path / "pieces")["classifier.1.weight"]
    assert float((whole - pieces).abs().mean()) <= apart


@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_an_interrupted_run_goes_on_with_and_without(
    precision: Precision, store: Store, tmp_path: Path
):
    config = replace(QUICK, epochs=3, warmup_epochs=0.5, schedule="cosine", precision=precision)
    for name, goes_on in (("pieces", "on"), ("whole", "off")):
        train_until(2, store, config=config, out=tmp_path / name, low_memory="on")
        train(store, config=config, out=tmp_path / name, device="cpu", low_memory=goes_on)
    train(store, config=config, out=tmp_path / "never", device="cpu", low_memory="on")

    assert furthest(tmp_path / "pieces", tmp_path / "never") == 0
    assert furthest(tmp_path / "whole", tmp_path / "never") <= 1e-4  # a step's length


@pytest.mark.usefixtures("small_is_large", "with_and_without_numba")
def test_the_large_layer_learns_and_has_no_gradient(store: Store):
    model = create_model("early-fusion", shape=model_shape(store.recipe, store.classes))
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    PiecewiseAdam(model, optimizer)
    layer = model.get_submodule("classifier.1")
    before = layer.weight.clone()

    logits = model(
        rgb=torch.randint(256, (2, 1, 32, 32, 3), dtype=torch.uint8),
        flow=torch.randint(256, (2, 9, 32, 32, 2), dtype=torch.uint8),
    )
    logits.sum().backward()
    optimizer.step()

    assert layer.weight.grad is None
    assert model.get_submodule("classifier.2").weight.grad is not None
    assert float((layer.weight - before).abs().max()) == pytest.approx(1e-3, rel=0.01)


@pytest.mark.usefixtures("small_is_large", "with_and_without_numba")
def test_the_16_bit_weights_are_those_of_the_layer_whoever_changes_them(store: Store):
    model = create_model("early-fusion", shape=model_shape(store.recipe, store.classes))
    layer = model.get_submodule("classifier.1")
    given = torch.rand(3, layer.weight.shape[1])

    def is_up_to_date() -> bool:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return torch.equal(layer(given), nn.functional.linear(given, layer.weight, layer.bias))

    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    PiecewiseAdam(model, optimizer)
    with torch.inference_mode():
        assert is_up_to_date()
    for _ in range(2):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = layer(given).sum()
        loss.backward()
        before = layer.weight.clone()
        optimizer.step()
        assert not torch.equal(layer.weight, before)
        assert is_up_to_date()
    layer.load_state_dict({"weight": -layer.weight, "bias": layer.bias})
    assert is_up_to_date()


class TakesTheWeights(SignModel):
    """Multiplies by a layer's weights without calling the layer."""

    inputs = Inputs(rgb="middle", flow=False)

    def __init__(self) -> None:
        super().__init__()
        self.large = nn.Linear(3072, 3000)
        self.last = nn.Linear(3000, 2)

    def forward(self, rgb: Tensor | None = None, flow: Tensor | None = None) -> Tensor:
        assert rgb is not None
        seen = nn.functional.linear(rgb.flatten(1).float(), self.large.weight)
        logits: Tensor = self.last(seen)
        return logits.unsqueeze(1)


@pytest.mark.usefixtures("small_is_large")
def test_a_layer_that_is_not_called_is_not_left_unlearnt():
    model = TakesTheWeights()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    PiecewiseAdam(model, optimizer)
    model(rgb=torch.ones(2, 1, 32, 32, 3)).sum().backward()

    with pytest.raises(UserError, match="nothing came back through the layer large"):
        optimizer.step()


@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize(
    ("config", "processes", "message"),
    [
        (QUICK, Processes(devices=2, port=1), "trains in one process, not 2"),
        (replace(QUICK, precision="16-mixed"), Processes(), "not 16-mixed"),
        (
            replace(QUICK, model="temporal"),
            Processes(),
            "temporal at 32 pixels has no linear layer",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_written(
    config: TrainConfig, processes: Processes, message: str, store: Store, tmp_path: Path
):
    with pytest.raises(UserError, match=message):
        train(
            store,
            config=config,
            out=tmp_path / "run",
            device="cpu",
            processes=processes,
            low_memory="on",
        )

    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_the_commands_say_where_it_is_of_no_use(
    command: str, square_store: Path, tmp_path: Path, signflow: Signflow
):
    net = ("--model", "temporal") if command == "train" else ("--grid", "model=temporal")

    done = signflow(
        command, square_store, *net, "--low-memory", "on", "--out", tmp_path / "out", check=False
    )

    assert done.returncode == 2
    assert "--low-memory on: temporal at 32 pixels has no linear layer of 10 million" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("precision", "said"), [("bf16-mixed", 1), ("32-true", 0)])
def test_bf16_where_it_is_slow_is_said(
    precision: Precision,
    said: int,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(training_weights, "get_cpu_capability", lambda: "AVX2")
    config = TrainConfig(model="spatial", batch_size=6, epochs=1, precision=precision)
    train(store, config=config, out=tmp_path / "run", device="cpu")

    assert capsys.readouterr().err.count("32-true is faster") == said
