"""Convolution, ReLU and pooling at once are these three, one after the other."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import conv2d, max_pool2d, relu

from signflow.models import Shape, create_model
from signflow.store import Store
from signflow.training import TrainConfig, learner, train
from signflow.training.config import REPORT_NETS
from signflow.training.winograd import convolve_and_pool, convolve_at_once

pytest.importorskip("numba")

SIZES = [
    # clips, channels that come in, that come out, height, width
    (1, 1, 16, 2, 2),
    (2, 3, 32, 50, 46),
    (2, 18, 32, 25, 25),
    (3, 9, 48, 37, 21),
    (2, 33, 16, 2, 3),
    (1, 8, 16, 5, 70),
    (1, 20, 32, 40, 33),
    (4, 32, 64, 16, 16),
]
DIVISOR = 576
"""Whole multiples of this as kernels make whole numbers of all that Winograd's way computes."""


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def plain(pictures: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return max_pool2d(relu(conv2d(pictures, weight, bias, padding=2)), 2)


def whole(*size: int, most: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-most, most + 1, size, generator=generator).float()


def of_whole_numbers(size: tuple[int, ...]) -> tuple[list[Tensor], Tensor]:
    """Pictures, kernels, a bias and what comes back, of which float32 rounds nothing."""
    clips, channels, out, height, width = size
    given = [
        whole(clips, channels, height, width, most=2, seed=1),
        whole(out, channels, 5, 5, most=1, seed=2) * DIVISOR,
        whole(out, most=100, seed=3),
    ]
    return given, whole(clips, out, height // 2, width // 2, most=3, seed=4)


def with_gradients(
    function: Callable[..., Tensor], given: list[Tensor], back: Tensor
) -> list[Tensor]:
    given = [tensor.clone().requires_grad_() for tensor in given]
    pooled = function(*given)
    return [pooled.detach(), *torch.autograd.grad(pooled, given, back)]


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("size", SIZES)
def test_whole_numbers_are_the_same(size: tuple[int, ...]):
    given, back = of_whole_numbers(size)

    found = with_gradients(convolve_and_pool, given, back)

    exact = with_gradients(plain, [tensor.double() for tensor in given], back.double())
    assert all(tensor.abs().max() < 1 << 24 for tensor in exact)
    for mine, other in zip(found, exact, strict=True):
        torch.testing.assert_close(mine, other.float(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_rounding_stays_within_a_few_bits(size: tuple[int, ...]):
    generator = torch.Generator().manual_seed(0)
    clips, channels, out, height, width = size
    bound = (25 * channels) ** -0.5
    given = [
        torch.rand(clips, channels, height, width, generator=generator),
        torch.rand(out, channels, 5, 5, generator=generator) * 2 * bound - bound,
        torch.rand(out, generator=generator) * 0.1,
    ]
    exactly = [tensor.double() for tensor in given]
    back = torch.randn(clips, out, height // 2, width // 2, generator=generator)
    back[is_close_call(*exactly)] = 0

    found = with_gradients(convolve_and_pool, given, back)

    exact = with_gradients(plain, exactly, back.double())
    for mine, other in zip(found, exact, strict=True):
        assert (mine - other).norm() < 1e-5 * other.norm()


def is_close_call(pictures: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Where rounding might choose another of four pixels, or none."""
    outcome = conv2d(pictures, weight, bias, padding=2)
    height, width = (side // 2 for side in outcome.shape[2:])
    fours = outcome[:, :, : 2 * height, : 2 * width].unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
    first, second = fours.clamp(min=0).topk(2, dim=4).values.unbind(4)
    return (first - second < 1e-4) & (first > 0) | (fours.amax(4).abs() < 1e-4)


def test_no_bit_depends_on_the_number_of_threads():
    generator = torch.Generator().manual_seed(0)
    given = [
        torch.randn(shape, generator=generator)
        for shape in [(3, 18, 40, 36), (32, 18, 5, 5), (32,)]
    ]
    back = torch.randn(3, 32, 20, 18, generator=generator)
    before = torch.get_num_threads()
    found = []
    for count in (1, 2, 5, 16):
        torch.set_num_threads(count)
        found.append(with_gradients(convolve_and_pool, given, back))
    torch.set_num_threads(before)

    for other in found[1:]:
        assert all(torch.equal(one, two) for one, two in zip(found[0], other, strict=True))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_not_hidden_and_spreads_no_further_than_its_tiles(number: float):
    given, _ = of_whole_numbers((2, 8, 16, 30, 40))
    usual = convolve_and_pool(*given)
    given[0][1, 3, 11, 20] = number

    pooled = convolve_and_pool(*given)

    reached = torch.zeros_like(pooled, dtype=torch.bool)
    reached[1, :, 4:7, 9:12] = True  # of tiles of 6 x 6 that begin at 8 to 12 - 2, 18 to 22 - 2
    assert torch.equal(pooled[~reached], usual[~reached])
    expected = plain(*given)
    assert not pooled[expected.isnan()].isfinite().any()
    assert not pooled[expected == float("inf")].isfinite().any()
    assert expected.isfinite().logical_not().any()


def test_no_pictures_small_ones_and_other_precisions_are_left_to_pytorch():
    weight, bias = torch.randn(16, 3, 5, 5), torch.randn(16)
    pictures = torch.randn(2, 3, 8, 20)

    assert convolve_and_pool(pictures[:0], weight, bias).shape == (0, 16, 4, 10)
    exact = convolve_and_pool(pictures.double(), weight.double(), bias.double())
    assert torch.equal(exact, plain(pictures.double(), weight.double(), bias.double()))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert convolve_and_pool(pictures, weight, bias).dtype == torch.bfloat16
    assert convolve_and_pool(pictures[:, :, :1], weight, bias).shape == (2, 16, 0, 10)


def test_pictures_may_lie_otherwise_and_nothing_may_be_learnt():
    given, _ = of_whole_numbers((2, 8, 16, 12, 14))
    pictures, weight, bias = given

    with torch.inference_mode():
        pooled = convolve_and_pool(pictures.to(memory_format=torch.channels_last), weight, bias)

    assert torch.equal(pooled, plain(*given))


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_part_may_be_learnt(which: int):
    given, back = of_whole_numbers((2, 8, 16, 12, 14))
    given[which].requires_grad_()

    (gradient,) = torch.autograd.grad(convolve_and_pool(*given), given[which], back)

    (expected,) = torch.autograd.grad(plain(*given), given[which], back)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-9)


def test_other_layers_of_a_net_are_left_alone():
    after = [nn.ReLU(), nn.MaxPool2d(2)]
    others: list[dict[str, Any]] = [
        {"padding": 1},
        {"padding": 2, "stride": 2},
        {"padding": 2, "dilation": 2},
        {"padding": 2, "groups": 2},
        {"padding": 2, "bias": False},
        {"padding": 2, "padding_mode": "reflect"},
        {"padding": "same"},
    ]
    net = nn.Sequential(
        *[nn.Sequential(nn.Conv2d(4, 16, 5, **options), *after) for options in others],
        nn.Sequential(nn.Conv2d(4, 16, 3, padding=2), *after),
        nn.Sequential(nn.Conv2d(4, 24, 5, padding=2), *after),
        nn.Sequential(nn.Conv2d(4, 16, 5, padding=2), nn.Tanh(), nn.MaxPool2d(2)),
        nn.Sequential(nn.Conv2d(4, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3)),
        nn.Sequential(nn.Conv2d(4, 16, 5, padding=2), nn.ReLU()),
    )

    convolve_at_once(net)  # type: ignore[arg-type]

    assert not any("forward" in vars(layer) for layer in net.modules())


@pytest.mark.parametrize(
    ("processor", "precision", "at_once"),
    [("AVX2", "32-true", True), ("AVX2", "bf16-mixed", False), ("AVX512", "32-true", False)],
)
@pytest.mark.parametrize("name", REPORT_NETS)
def test_the_reports_nets_convolve_at_once_where_that_is_faster(
    name: str,
    processor: str,
    precision: str,
    at_once: bool,
    square_store: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(learner, "get_cpu_capability", lambda: processor)
    store = Store.open(square_store)
    config = replace(TrainConfig(model=name), precision=precision)  # type: ignore[arg-type]

    net = learner.make_learner(
        Fabric(accelerator="cpu", devices=1),
        config=config,
        store=store,
        train_rows=store.rows,
        low_memory="off",
    ).net

    plainly = create_model(name, shape=Shape(classes=2, frames=10, image_size=32))
    assert list(net.state_dict()) == list(plainly.state_dict())
    convolutions = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == (4 if "fusion" in name else 2)
    assert all(("forward" in vars(layer)) is at_once for layer in convolutions)


def test_the_same_is_learnt(square_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(learner, "get_cpu_capability", lambda: "AVX2")
    config = TrainConfig(model="early-fusion", batch_size=6, learning_rate=1e-4, epochs=1)
    store = Store.open(square_store)
    train(store, config=config, out=tmp_path / "one", device="cpu")
    monkeypatch.setattr(learner, "convolve_at_once", lambda net: None)
    train(store, config=config, out=tmp_path / "two", device="cpu")

    one, two = (load_file(tmp_path / run / "model.safetensors") for run in ("one", "two"))
    moved = [(one[name] - two[name]).norm() / two[name].norm() for name in two]
    assert 0 < max(moved) < 1e-3
