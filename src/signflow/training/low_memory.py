"""Adam in pieces: a large linear layer learns without ever holding its whole gradient.

The gradient of a linear layer's weights is a product of two small matrices, what came in and what
came back: in early fusion at 224 pixels 1.6 GB, of (B, 401408) and (B, 1000). Those two are kept
instead, and the optimiser multiplies them and updates the weights a few at a time: on a CPU with
numba in registers (`adam_kernel`), elsewhere some rows at once. There, the layer's two other
products with few clips are numba's, too (`linear_kernel`). What is learnt is the same but for
rounding.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.autograd.graph import increment_version
from torch.backends.cpu import get_cpu_capability
from torch.optim.adam import adam
from torch.optim.adamw import adamw

from signflow.compiled import has_numba
from signflow.errors import UserError
from signflow.models import SignModel
from signflow.store import Store
from signflow.training.config import REPORT_NETS, TrainConfig
from signflow.training.processes import Processes
from signflow.training.weights import model_without_memory

if TYPE_CHECKING:
    from lightning_fabric import Fabric

LARGE = 10_000_000
"""Weights from which a linear layer is one of those that this is for."""

PIECE = 2_000_000
"""Weights that are updated at once without numba: their gradient stays in the cache, ..."""

LEAST_ROWS, MOST_ROWS = 16, 64
"""... but so many rows of them, as many as clips: products of narrower matrices are slow."""

LowMemory = Literal["auto", "on", "off"]


def learns_in_pieces(asked: LowMemory, config: TrainConfig, fabric: "Fabric") -> bool:
    """Whether large linear layers are to learn in pieces.

    "auto" is for the report's nets, which are known to call their large layers: of one whose
    weights are used in another way, too, a part of what it should learn would be missed.
    """
    if asked == "auto":
        alone_on_cpu = fabric.world_size == 1 and fabric.device.type == "cpu"
        return alone_on_cpu and config.model in REPORT_NETS
    return asked == "on"


def check_low_memory(config: TrainConfig, store: Store, *, processes: Processes) -> None:
    """Make sure that a configuration can be trained with little memory, and that it is of use.

    No memory is spent on it.

    Raises:
        UserError: it cannot, or the model has no linear layer that is large enough.
    """
    if processes.count > 1:
        raise UserError(
            f"--low-memory on: trains in one process, not {processes.count}, which would have to"
            " send each other the whole gradient; leave it out, or --devices and --nodes"
        )
    if config.precision == "16-mixed":
        raise UserError(
            "--low-memory on: goes with --precision 32-true and bf16-mixed, not 16-mixed, whose"
            " loss scale is found by looking at the whole gradient"
        )
    if not any(True for _ in large_layers(model_without_memory(config, store))):
        raise UserError(
            f"--low-memory on: {config.model} at {store.recipe.image_size} pixels has no linear"
            f" layer of {LARGE // 10**6} million weights or more, which it is for; leave it out"
        )


def large_layers(model: SignModel) -> Iterator[tuple[str, nn.Linear]]:
    """The linear layers of `LARGE` weights or more, by name.

    Subclasses are left out: their users may take the weights without calling the layer.
    """
    for name, layer in model.named_modules():
        if type(layer) is nn.Linear and layer.weight.numel() >= LARGE:
            yield name, layer


def few() -> int:
    """Clips up to which a large layer's products are numba's, which PyTorch leaves to one core.

    Beyond 16, a processor with wider lanes than ours may be faster with PyTorch's.
    """
    return 32 if get_cpu_capability() == "AVX2" else 16


class PiecewiseAdam:
    """Lets an optimiser update a model's large linear layers in pieces.

    The optimiser's state is what it would be otherwise, so a run may go on with or without.

    Args:
        model: its large layers' weights get no gradient from now on.
        optimizer: `torch.optim.Adam` or `AdamW`, not yet used; it does this at every step.

    Example:
        >>> optimizer = torch.optim.Adam(model.parameters(), fused=True)
        >>> PiecewiseAdam(model, optimizer)  # doctest: +SKIP
        >>> model(rgb, flow).sum().backward()  # doctest: +SKIP
        >>> optimizer.step()  # doctest: +SKIP
    """

    def __init__(self, model: SignModel, optimizer: torch.optim.Optimizer) -> None:
        self._layers = {name: _LargeLayer(layer) for name, layer in large_layers(model)}
        optimizer.register_step_post_hook(self._update)

    @torch.no_grad()
    def _update(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        """What the optimiser's step does for all other weights."""
        groups = {
            id(weight): group for group in optimizer.param_groups for weight in group["params"]
        }
        for name, layer in self._layers.items():
            if not layer.factors:
                raise UserError(
                    f"--low-memory on: nothing came back through the layer {name} of this model,"
                    " which uses it in another way than by calling it; leave it out"
                )
            _update(optimizer, groups[id(layer.weight)], layer)


class _LargeLayer:
    """Computes what a linear layer does, and keeps what the gradient of its weights is made of.

    Under autocast the weights are wanted in 16 bits. Making them so at every step takes longer than
    what a small batch does with them, so they are kept, and follow the weights piece by piece.
    """

    def __init__(self, layer: nn.Linear) -> None:
        self.weight = layer.weight
        self.factors: list[tuple[Tensor, Tensor]] = []
        self._bias = layer.bias
        self._short: Tensor | None = None
        self._short_is_of = -1
        layer.weight.requires_grad_(False)
        layer.forward = self._forward  # type: ignore[assignment]

    def factors_of_gradient(self) -> tuple[Tensor, Tensor]:
        """What came in, (N, in), and what came back, (N, out); they are given once."""
        given, back = map(torch.cat, zip(*self.factors, strict=True))
        self.factors.clear()
        return given, back

    @property
    def short_weight(self) -> Tensor | None:
        """The 16-bit weights, if there are any: whoever changes the weights has them follow, ..."""
        return self._short

    def followed(self) -> None:
        """... and then says so."""
        self._short_is_of = self.weight._version

    def _forward(self, given: Tensor) -> Tensor:
        weight = self._weight_to_compute_with()
        if _is_few(given) and _has_kernels(weight):
            output: Tensor = _Multiply.apply(given, weight, self._keep)  # type: ignore[no-untyped-call]
            return output if self._bias is None else output + self._bias
        output = nn.functional.linear(given, weight, self._bias)
        if not torch.is_grad_enabled():
            return output
        watched: Tensor = _Watch.apply(output, given, self._keep)  # type: ignore[no-untyped-call]
        return watched

    def _keep(self, given: Tensor, back: Tensor) -> None:
        # As autocast has it, both have the precision that the layer computed in.
        given = given.detach().to(back.dtype)
        self.factors.append((given.flatten(0, -2), back.flatten(0, -2)))

    def _weight_to_compute_with(self) -> Tensor:
        kind = self.weight.device.type
        if not torch.is_autocast_enabled(kind):
            return self.weight
        # Whoever else writes to the weights, as a checkpoint does, counts their version up.
        if self._short is None or self._short_is_of != self.weight._version:
            with torch.inference_mode(False):  # validation may be first, training comes after it
                self._short = self.weight.detach().to(torch.get_autocast_dtype(kind))
            self._short_is_of = self.weight._version
        return self._short


class _Watch(torch.autograd.Function):
    """Passes a layer's output on, and on the way back tells what came in and what comes back."""

    @staticmethod
    def forward(
        ctx: Any, output: Tensor, given: Tensor, keep: Callable[[Tensor, Tensor], None]
    ) -> Tensor:
        ctx.save_for_backward(given)
        ctx.keep = keep
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, *backs: Any) -> Any:
        (back,) = backs
        ctx.keep(*ctx.saved_tensors, back)
        return back, None, None


class _Multiply(torch.autograd.Function):
    """What a layer without a bias computes, and what `_Watch` does, by kernels for few clips."""

    @staticmethod
    def forward(
        ctx: Any, given: Tensor, weight: Tensor, keep: Callable[[Tensor, Tensor], None]
    ) -> Tensor:
        from signflow.training.linear_kernel import multiply

        ctx.save_for_backward(given, weight)
        ctx.keep = keep
        threads = torch.get_num_threads()
        return torch.from_numpy(multiply(given.numpy(), weight.numpy(), threads=threads))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *backs: Tensor) -> Any:
        from signflow.training.linear_kernel import multiply_back

        given, weight = ctx.saved_tensors
        back = backs[0].contiguous()
        ctx.keep(given, back)
        threads = torch.get_num_threads()
        return (
            torch.from_numpy(multiply_back(back.numpy(), weight.numpy(), threads=threads)),
            None,
            None,
        )


def _update(optimizer: torch.optim.Optimizer, group: dict[str, Any], layer: _LargeLayer) -> None:
    """A step of Adam on a layer's weights."""
    weight = layer.weight
    state = optimizer.state[weight]
    if not state:  # as Adam begins
        state["step"] = torch.zeros((), dtype=torch.float32, device=weight.device)
        state["exp_avg"] = torch.zeros_like(weight)
        state["exp_avg_sq"] = torch.zeros_like(weight)
    decoupled = isinstance(optimizer, torch.optim.AdamW)
    if _has_kernels(weight):
        _update_in_registers(layer, state, group, decoupled=decoupled)
    else:
        _update_in_pieces(layer, state, group, decoupled=decoupled)
    state["step"] += 1
    layer.followed()


def _has_kernels(weight: Tensor) -> bool:
    """Whether a layer of these weights can be computed by what numba compiles."""
    if weight.device.type != "cpu" or weight.dtype != torch.float32 or not has_numba():
        return False
    from signflow.training.adam_kernel import COLUMNS, ROWS

    rows, columns = weight.shape
    return rows % ROWS == 0 and columns % COLUMNS == 0


def _is_few(given: Tensor) -> bool:
    """Whether what comes into a layer is clips, and so few that PyTorch is not made for them."""
    return given.ndim == 2 and given.dtype == torch.float32 and 0 < len(given) <= few()


def _update_in_registers(
    layer: _LargeLayer, state: dict[str, Any], group: dict[str, Any], *, decoupled: bool
) -> None:
    from signflow.training.adam_kernel import Adam, update

    beta1, beta2 = group["betas"]
    rate, decay, step = group["lr"], group["weight_decay"], state["step"].item() + 1
    given, back = layer.factors_of_gradient()
    short = layer.short_weight
    update(
        layer.weight.numpy(),
        state["exp_avg"].numpy(),
        state["exp_avg_sq"].numpy(),
        None if short is None else short.view(torch.uint16).numpy(),
        given=given.float().numpy(),
        back=back.float().numpy(),
        adam=Adam(
            new_in_mean=1 - beta1,
            old_in_square=beta2,
            new_in_square=1 - beta2,
            rate=rate / (1 - beta1**step),
            scale_of_root=(1 - beta2**step) ** -0.5,
            eps=group["eps"],
            pull=0 if decoupled else decay,
            keep=1 - rate * decay if decoupled else 1,
        ),
        threads=torch.get_num_threads(),
    )
    increment_version(layer.weight)


def _update_in_pieces(
    layer: _LargeLayer, state: dict[str, Any], group: dict[str, Any], *, decoupled: bool
) -> None:
    weight, short = layer.weight, layer.short_weight
    given, back = layer.factors_of_gradient()
    update = adamw if decoupled else adam
    beta1, beta2 = group["betas"]
    rows = max(PIECE // weight.shape[1], min(max(len(given), LEAST_ROWS), MOST_ROWS))
    for begin, end in pairwise([*range(0, len(weight), rows), len(weight)]):
        update(
            [weight[begin:end]],
            [(back[:, begin:end].T @ given).to(weight.dtype)],
            [state["exp_avg"][begin:end]],
            [state["exp_avg_sq"][begin:end]],
            [],
            [state["step"].clone()],  # which counts up with every piece
            fused=True,
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )
        if short is not None:
            short[begin:end] = weight[begin:end]
