"""Adam in registers is Adam."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

kernel = pytest.importorskip("signflow.training.adam_kernel")

ROWS, COLUMNS = kernel.ROWS, kernel.COLUMNS
RATE, BETAS, EPS = 1e-3, (0.9, 0.999), 1e-8


def numbers(step: int, *, decay: float = 0, decoupled: bool = False) -> Any:
    return kernel.Adam(
        new_in_mean=1 - BETAS[0],
        old_in_square=BETAS[1],
        new_in_square=1 - BETAS[1],
        rate=RATE / (1 - BETAS[0] ** step),
        scale_of_root=(1 - BETAS[1] ** step) ** -0.5,
        eps=EPS,
        pull=0 if decoupled else decay,
        keep=1 - RATE * decay if decoupled else 1,
    )


class Layer:
    """Weights, Adam's moments, the weights in 16 bits, and the factors of three gradients."""

    def __init__(self, rows: int, columns: int, *, clips: int, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.weight = torch.randn(rows, columns, generator=generator)
        self.mean = torch.zeros_like(self.weight)
        self.square = torch.zeros_like(self.weight)
        self.short = torch.zeros(rows, columns, dtype=torch.bfloat16)
        self.factors = [
            (
                torch.randn(clips, columns, generator=generator),
                torch.randn(clips, rows, generator=generator),
            )
            for _ in range(3)
        ]

    def learn(self, *, threads: int = 1, short: bool = True, **decay: Any) -> "Layer":
        for step, (given, back) in enumerate(self.factors, start=1):
            kernel.update(
                self.weight.numpy(),
                self.mean.numpy(),
                self.square.numpy(),
                self.short.view(torch.uint16).numpy() if short else None,
                given=given.numpy(),
                back=back.numpy(),
                adam=numbers(step, **decay),
                threads=threads,
            )
        return self

    def learnt_by(self, kind: type[torch.optim.Optimizer], **options: Any) -> tuple[Tensor, ...]:
        """(weights, moments) that PyTorch would learn."""
        weight = nn.Parameter(self.weight.clone())
        optimizer = kind([weight], lr=RATE, betas=BETAS, eps=EPS, **options)  # type: ignore[call-arg]
        for given, back in self.factors:
            weight.grad = back.T @ given
            optimizer.step()
        state = optimizer.state[weight]
        return weight.detach(), state["exp_avg"], state["exp_avg_sq"]


@pytest.mark.parametrize(
    ("rows", "columns", "clips"),
    [
        (ROWS, COLUMNS, 1),
        (ROWS, COLUMNS, 5000),  # more than a thread's room holds of a usual batch
        (12, 5 * COLUMNS, 7),
        (8, 70_000, 2),
        (8, 70_000, 32),
    ],
)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_it_learns_what_adam_learns(rows: int, columns: int, clips: int, threads: int):
    layer = Layer(rows, columns, clips=clips)
    expected = layer.learnt_by(torch.optim.Adam)

    layer.learn(threads=threads)

    weight, mean, square = expected
    torch.testing.assert_close(layer.mean, mean, rtol=1e-4, atol=1e-6 * clips)
    torch.testing.assert_close(layer.square, square, rtol=1e-4, atol=1e-6 * clips)
    # A gradient that is all but nothing may have either sign, and is a step all the same.
    assert float((layer.weight - weight).abs().mean()) < 1e-6
    assert float((layer.weight - weight).abs().quantile(0.99)) < 1e-6


@pytest.mark.parametrize(
    ("kind", "decoupled"), [(torch.optim.Adam, False), (torch.optim.AdamW, True)]
)
def test_weights_decay_as_each_of_both_has_it(kind: type[torch.optim.Optimizer], decoupled: bool):
    layer = Layer(8, 64, clips=4)
    expected, mean, _ = layer.learnt_by(kind, weight_decay=0.3)

    layer.learn(decay=0.3, decoupled=decoupled)

    torch.testing.assert_close(layer.weight, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(layer.mean, mean, rtol=1e-4, atol=1e-5)


def test_no_bit_depends_on_the_number_of_threads_or_on_the_16_bit_weights():
    one = Layer(8, 70_000, clips=3).learn()
    several = Layer(8, 70_000, clips=3).learn(threads=5, short=False)

    assert torch.equal(one.weight, several.weight)
    assert torch.equal(one.mean, several.mean)
    assert torch.equal(one.square, several.square)
    assert torch.equal(one.short, one.weight.to(torch.bfloat16))
    assert not several.short.any()


def test_what_is_no_number_is_not_hidden():
    layer = Layer(4, 32, clips=2)
    layer.factors[0][0][0, 5] = float("nan")

    layer.learn()

    assert layer.weight[:, 5].isnan().all()
    assert layer.short[:, 5].isnan().all()
    assert layer.weight.isnan().sum() == 4
