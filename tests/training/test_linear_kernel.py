"""Products of a large layer with few clips are what PyTorch computes, but for rounding."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from signflow.training import low_memory

kernel = pytest.importorskip("signflow.training.linear_kernel")

ROWS, COLUMNS = kernel.ROWS, kernel.COLUMNS
BLOCK = kernel._BLOCK

SHAPES = [
    (ROWS, COLUMNS),
    (3 * ROWS, 5 * COLUMNS),
    (2 * ROWS, BLOCK),
    (2 * ROWS, 3 * BLOCK + COLUMNS),
    (250 * ROWS, 2 * COLUMNS),
    (2 * ROWS, 70_000),
]


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def multiplied(given: Tensor, weight: Tensor, *, threads: int = 1) -> Tensor:
    return torch.from_numpy(kernel.multiply(given.numpy(), weight.numpy(), threads=threads))


def multiplied_back(back: Tensor, weight: Tensor, *, threads: int = 1) -> Tensor:
    return torch.from_numpy(kernel.multiply_back(back.numpy(), weight.numpy(), threads=threads))


@pytest.mark.parametrize("clips", [1, 2, 3, 4, 7, 16, 33, 600])
@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_it_multiplies(rows: int, columns: int, clips: int):
    weight = numbers(rows, columns)
    given, back = numbers(clips, columns, seed=1), numbers(clips, rows, seed=2)

    forwards, backwards = multiplied(given, weight), multiplied_back(back, weight)

    exact = (given.double() @ weight.double().T).float()
    torch.testing.assert_close(forwards, exact, rtol=1e-5, atol=3e-6 * columns**0.5)
    exact = (back.double() @ weight.double()).float()
    torch.testing.assert_close(backwards, exact, rtol=1e-5, atol=3e-6 * rows**0.5)


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_no_bit_depends_on_the_number_of_threads(rows: int, columns: int):
    weight, given, back = numbers(rows, columns), numbers(5, columns), numbers(5, rows)

    for threads in (2, 3, 8):
        assert torch.equal(multiplied(given, weight, threads=threads), multiplied(given, weight))
        assert torch.equal(
            multiplied_back(back, weight, threads=threads), multiplied_back(back, weight)
        )


def test_no_clip_depends_on_the_others():
    weight, given, back = numbers(8, 96), numbers(7, 96), numbers(7, 8)
    given[2, 5], back[3, 1] = float("nan"), float("inf")

    forwards, backwards = multiplied(given, weight), multiplied_back(back, weight)

    assert torch.equal(forwards.isfinite().all(dim=1), torch.arange(7) != 2)
    assert torch.equal(backwards.isfinite().all(dim=1), torch.arange(7) != 3)
    for clip in (0, 6):
        assert torch.equal(forwards[clip], multiplied(given[clip : clip + 1], weight)[0])
        assert torch.equal(backwards[clip], multiplied_back(back[clip : clip + 1], weight)[0])


def test_weights_of_no_number_are_not_hidden_nor_spread():
    weight = torch.ones(8, 64)
    weight[3, 40] = float("inf")

    assert multiplied(torch.ones(3, 64), weight).isinf().nonzero()[:, 1].tolist() == [3, 3, 3]
    assert multiplied_back(torch.ones(3, 8), weight).isinf().nonzero()[:, 1].tolist() == [40] * 3


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_uses_it_for_few_clips_alone(bias: bool, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    monkeypatch.setattr(kernel, "multiply", spy(kernel.multiply, asked))
    monkeypatch.setattr(kernel, "multiply_back", spy(kernel.multiply_back, asked))
    layer = nn.Linear(64, 8, bias=bias)
    weight = layer.weight.detach().clone()
    large = low_memory._LargeLayer(layer)

    for clips, by_kernel in ((low_memory.few(), 2), (low_memory.few() + 1, 0)):
        given = numbers(clips, 64).requires_grad_()
        layer.zero_grad()
        output = layer(given)
        (output**2).sum().backward()

        plain = numbers(clips, 64).requires_grad_()
        expected = nn.functional.linear(plain, weight, layer.bias)
        torch.testing.assert_close(output, expected)
        (gradient,) = torch.autograd.grad((expected**2).sum(), plain)
        torch.testing.assert_close(given.grad, gradient)
        if bias:
            torch.testing.assert_close(layer.bias.grad, 2 * expected.detach().sum(dim=0))
        came_in, came_back = large.factors_of_gradient()
        assert torch.equal(came_in, plain.detach())
        torch.testing.assert_close(came_back, 2 * expected.detach())
        assert len(asked) == by_kernel
        asked.clear()


def test_a_layer_of_another_shape_is_pytorch_s(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kernel, "multiply", None)
    for wide, high in ((64, 7), (60, 8)):
        layer = nn.Linear(wide, high)
        weight, given = layer.weight.detach().clone(), numbers(3, wide)
        low_memory._LargeLayer(layer)
        with torch.inference_mode():
            torch.testing.assert_close(
                layer(given), nn.functional.linear(given, weight, layer.bias)
            )


def spy(multiply: Callable[..., Any], asked: list[int]) -> Callable[..., Any]:
    def ask(clips: Any, weight: Any, *, threads: int) -> Any:
        asked.append(len(clips))
        return multiply(clips, weight, threads=threads)

    return ask
