"""ReLU and pooling in one pass are ReLU and pooling."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu

from signflow.models import Shape, create_model
from signflow.store import Store
from signflow.training import TrainConfig, learner, train
from signflow.training.config import REPORT_NETS
from signflow.training.pooling import pool_in_one_pass, relu_and_pool

pytest.importorskip("numba")

TYPES = [torch.float32, torch.bfloat16, torch.float16, torch.float64]
LAYOUTS = [torch.contiguous_format, torch.channels_last]


@pytest.fixture(params=[1, 3], autouse=True)
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def pictures(size: tuple[int, ...], *, of: torch.dtype, layout: torch.memory_format) -> Tensor:
    """A third of the numbers below 0, a third above, the rest 0 and -0: there are many ties."""
    generator = torch.Generator().manual_seed(0)
    whole = torch.randint(-3, 4, size, generator=generator)
    numbers = whole * torch.rand(size, generator=generator).round(decimals=1)
    return numbers.to(of).to(memory_format=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("of", TYPES)
@pytest.mark.parametrize("size", [(2, 3, 8, 8), (1, 1, 2, 2), (3, 5, 31, 17), (2, 32, 56, 40)])
def test_pictures_and_gradients_are_the_same(
    size: tuple[int, ...], of: torch.dtype, layout: torch.memory_format
):
    given = pictures(size, of=of, layout=layout).requires_grad_()
    expected = max_pool2d(relu(given), 2)
    back = torch.randn(expected.shape).to(of)
    (gradient,) = torch.autograd.grad(expected, given, back)

    pooled = relu_and_pool(given)
    (found,) = torch.autograd.grad(pooled, given, back)

    assert torch.equal(pooled, expected)
    assert torch.equal(found, gradient)
    assert pooled.is_contiguous(memory_format=layout)
    assert found.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("of", TYPES)
@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_no_number_is_passed_on(sign: int, of: torch.dtype, layout: torch.memory_format):
    given = pictures((2, 4, 12, 12), of=of, layout=layout)
    none = torch.tensor(float("nan")).copysign(torch.tensor(float(sign)))
    for number, (y, x) in enumerate([(0, 0), (2, 3), (5, 4), (7, 7)]):
        given[0, number, y, x] = none
    given[1, 0, :2, :2] = torch.tensor([[float("inf"), none], [1, -float("inf")]])
    given[1, 1, 0, 0] = float("inf")

    pooled = relu_and_pool(given)

    expected = max_pool2d(relu(given), 2)
    assert expected.isnan().sum() == 5
    assert torch.equal(pooled.isnan(), expected.isnan())
    assert torch.equal(pooled.nan_to_num(), expected.nan_to_num())


def test_pictures_that_lie_otherwise_and_none_at_all_are_pooled_too():
    given = pictures((2, 3, 8, 20), of=torch.float32, layout=torch.contiguous_format)

    assert torch.equal(relu_and_pool(given[..., ::2]), max_pool2d(relu(given[..., ::2]), 2))
    assert relu_and_pool(given[:0]).shape == (0, 3, 4, 10)


def test_other_layers_of_a_net_are_left_alone():
    other = nn.Sequential(
        nn.ReLU(), nn.MaxPool2d(3), nn.ReLU(), nn.MaxPool2d(2, padding=1), nn.ReLU(), nn.Tanh()
    )
    pool_in_one_pass(other)  # type: ignore[arg-type]

    assert not any("forward" in vars(layer) for layer in other)


@pytest.mark.parametrize("name", REPORT_NETS)
def test_every_net_of_the_report_pools_in_one_pass(name: str):
    net = create_model(name, shape=Shape(classes=3, frames=4, image_size=32))
    names = list(net.state_dict())
    pool_in_one_pass(net)

    pairs = [
        (one, other)
        for layers in net.modules()
        if isinstance(layers, nn.Sequential)
        for one, other in pairwise(layers)
        if isinstance(one, nn.ReLU)
    ]
    assert len(pairs) == (4 if "fusion" in name else 2)
    assert all(other.forward is relu_and_pool for _, other in pairs)
    assert list(net.state_dict()) == names


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_same_is_learnt(
    precision: str, square_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = replace(
        TrainConfig(model="late-fusion", batch_size=6, learning_rate=1e-4, epochs=1),
        precision=precision,  # type: ignore[arg-type]
    )
    store = Store.open(square_store)
    monkeypatch.setattr(learner, "convolve_at_once", lambda net: None)
    train(store, config=config, out=tmp_path / "one", device="cpu", low_memory="off")
    monkeypatch.setattr(learner, "pool_in_one_pass", lambda net: None)
    train(store, config=config, out=tmp_path / "two", device="cpu", low_memory="off")

    one, two = (load_file(tmp_path / run / "model.safetensors") for run in ("one", "two"))
    assert all(torch.equal(one[name], two[name]) for name in two)
