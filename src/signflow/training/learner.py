"""What learns: a net and its optimiser, as every run begins."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch.backends.cpu import get_cpu_capability
from torch.nn.utils import convert_conv2d_weight_memory_format

from signflow.compiled import has_numba
from signflow.models import SignModel, create_model
from signflow.store import ClipRow, Store
from signflow.training.config import REPORT_NETS, TrainConfig
from signflow.training.low_memory import LowMemory, PiecewiseAdam, learns_in_pieces
from signflow.training.objective import Objective, make_objective
from signflow.training.pooling import pool_in_one_pass
from signflow.training.run import EpochMetrics
from signflow.training.weights import model_shape
from signflow.training.winograd import convolve_at_once

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from lightning_fabric.wrappers import _FabricModule


@dataclass
class Learner:
    """What changes while training, and what changes it.

    `model` is what Fabric has made of `net`: it keeps the processes' gradients together.
    """

    fabric: "Fabric"
    net: SignModel
    model: "_FabricModule"
    optimizer: torch.optim.Optimizer
    objective: Objective
    config: TrainConfig
    history: list[EpochMetrics] = field(default_factory=list)


def make_learner(
    fabric: "Fabric",
    *,
    config: TrainConfig,
    store: Store,
    train_rows: Sequence[ClipRow],
    low_memory: LowMemory,
) -> Learner:
    """Make a net with the weights that the seed gives it, and its optimiser.

    Args:
        fabric: the processes and their device.
        config: what to make.
        store: what it is for.
        train_rows: what it will learn from.
        low_memory: see `train`.
    """
    torch.manual_seed(config.seed)
    net = create_model(
        config.model,
        shape=model_shape(store.recipe, store.classes),
        options=config.model_options,
        pretrained=config.pretrained,
    )
    if config.model in REPORT_NETS and fabric.device.type == "cpu" and has_numba():
        pool_in_one_pass(net)
        if _has_narrow_lanes(config, fabric):
            convolve_at_once(net)
    if not (config.model in REPORT_NETS and _has_narrow_lanes(config, fabric)):
        convert_conv2d_weight_memory_format(net, torch.channels_last)
    adam = _optimizer(net, config)
    if learns_in_pieces(low_memory, config, fabric):
        PiecewiseAdam(net, adam)
    model, optimizer = fabric.setup(net, adam)
    return Learner(
        fabric=fabric,
        net=net,
        model=model,
        optimizer=optimizer,
        objective=make_objective(config, train_rows, classes=len(store.classes)),
        config=config,
    )


def _has_narrow_lanes(config: TrainConfig, fabric: "Fabric") -> bool:
    """Whether it is computed in fp32 on a processor with AVX2 and no more.

    There, PyTorch's convolutions of the report's nets take twice as long as ours, and are slower
    where a pixel's channels are neighbours in memory; elsewhere, and in other nets, they are faster
    so, by up to 2.2 times (docs/benchmarks.md). Either way they compute the same but for rounding.
    """
    on_avx2 = fabric.device.type == "cpu" and get_cpu_capability() == "AVX2"
    return on_avx2 and config.precision == "32-true"


def align_moments(optimizer: torch.optim.Optimizer) -> None:
    """Lay an optimiser's moments out in memory as the weights are.

    Fused Adam goes through both from end to end without asking how they lie; those of a checkpoint
    may come from a net whose weights lay otherwise.
    """
    for weights, state in optimizer.state.items():
        for name, moment in state.items():
            if moment.shape == weights.shape and moment.stride() != weights.stride():
                state[name] = torch.empty_like(weights).copy_(moment)


def _optimizer(model: SignModel, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam, or AdamW where weights decay: matrices and kernels, not biases and scales."""
    if config.weight_decay == 0:
        return torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    groups: list[dict[str, Any]] = [
        {
            "params": [weights for weights in model.parameters() if weights.ndim > 1],
            "weight_decay": config.weight_decay,
        },
        {
            "params": [weights for weights in model.parameters() if weights.ndim <= 1],
            "weight_decay": 0.0,
        },
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)
