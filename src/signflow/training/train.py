"""The training loop: a store and a configuration become a run."""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.progress import Progress, TaskID
from torch import Tensor

from signflow.errors import UserError
from signflow.files import atomic_path, write_json
from signflow.models import Shape, SignModel, create_model, joint_loss, scores
from signflow.progress import progress_bar
from signflow.store import ClipRow, Store
from signflow.training.batches import batches
from signflow.training.config import TrainConfig
from signflow.training.environment import describe_environment, keep_large_blocks
from signflow.training.run import EpochMetrics, Run
from signflow.training.weights import model_shape, save_model

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def train(
    store: Store,
    *,
    config: TrainConfig,
    out: Path,
    device: str = "auto",
    checkpoint_seconds: float = 60.0,
) -> Run:
    """Train a model, or go on with a run that was interrupted.

    Adam on the joint loss; the weights of the best epoch by validation are kept. On one CPU machine
    the same configuration gives the same weights, also across an interruption.

    Args:
        store: what to learn from.
        config: how.
        out: the run's directory.
        device: "auto", "cpu", "cuda" or another accelerator that Fabric knows.
        checkpoint_seconds: the state to resume from is written after an epoch when the last one is
            older than this. (That of early fusion takes 4.8 GB at 224 pixels.)

    Raises:
        UserError: the model is unknown, `out` holds another run, a split is empty, or the loss
            stopped being a number (exit status 1).
    """
    rows = _rows(store, config)
    shape = model_shape(store.recipe, store.classes)
    with torch.device("meta"):  # a model that cannot be made leaves no directory behind
        create_model(config.model, shape=shape)
    run = Run.create(out, config=config, store=store)
    if run.complete:
        return run
    started = time.monotonic()
    keep_large_blocks()
    # Fabric brings in PyTorch's compiler: seconds that only those who train should wait for.
    from lightning_fabric import Fabric

    fabric = Fabric(accelerator=device, devices=1)
    state = _set_up(fabric, run, shape=shape)
    before = sum(epoch.seconds for epoch in state.history)
    _run_epochs(state, run, store, rows, checkpoint_seconds=checkpoint_seconds)
    seconds = before + time.monotonic() - started
    write_json(run.environment_path, describe_environment(device=fabric.device, seconds=seconds))
    run.last_path.unlink(missing_ok=True)
    return run


@dataclass(frozen=True)
class _Rows:
    train: list[ClipRow]
    val: list[ClipRow]


@dataclass
class _State:
    """What changes while training."""

    fabric: "Fabric"
    model: SignModel
    optimizer: torch.optim.Optimizer
    config: TrainConfig
    history: list[EpochMetrics] = field(default_factory=list)


def _rows(store: Store, config: TrainConfig) -> _Rows:
    splits = store.splits(fold=config.fold)
    built = {split: [row for row in rows if row.built] for split, rows in splits.items()}
    if not built["train"]:
        raise UserError(
            f"{store.path}: has no built clips in the split train: nothing to learn from"
        )
    if not built["val"]:
        raise UserError(
            f"{store.path}: has no built clips in the split val, by which the best epoch is chosen"
        )
    return _Rows(built["train"], built["val"])


def _set_up(fabric: "Fabric", run: Run, *, shape: Shape) -> _State:
    """Make model and optimiser, and put them where an interrupted run left them."""
    torch.manual_seed(run.config.seed)
    model = create_model(run.config.model, shape=shape)
    optimizer = torch.optim.Adam(model.parameters(), lr=run.config.learning_rate, fused=True)
    wrapped, optimizer = fabric.setup(model, optimizer)
    state = _State(fabric=fabric, model=wrapped, optimizer=optimizer, config=run.config)
    if run.last_path.exists():
        rest = fabric.load(
            run.last_path, {"model": wrapped, "optimizer": optimizer}, weights_only=True
        )
        state.history = [EpochMetrics(**epoch) for epoch in rest["history"]]
        run.write_metrics(state.history)
    return state


def _run_epochs(
    state: _State, run: Run, store: Store, rows: _Rows, *, checkpoint_seconds: float
) -> None:
    """Go through the epochs that are left, keeping the best weights and the way back."""
    config = run.config
    written = time.monotonic()
    with progress_bar() as progress:
        steps = math.ceil(len(rows.train) / config.batch_size)
        task = progress.add_task(
            f"Training {config.model}",
            total=config.epochs * steps,
            completed=len(state.history) * steps,
            note="",
        )
        for epoch in range(len(state.history) + 1, config.epochs + 1):
            metrics = _epoch(state, store, rows, epoch=epoch, bar=(progress, task))
            if metrics.best:
                weights = state.model.state_dict()
                save_model(run.model_path, name=config.model, weights=weights, store=store)
            state.history.append(metrics)
            run.write_metrics(state.history)
            if epoch < config.epochs and time.monotonic() - written >= checkpoint_seconds:
                _save_state(state, run)
                written = time.monotonic()


def _epoch(
    state: _State,
    store: Store,
    rows: _Rows,
    *,
    epoch: int,
    bar: tuple[Progress, TaskID],
) -> EpochMetrics:
    started = time.monotonic()
    # All randomness of an epoch follows from the seed and its number, so that a resumed run needs
    # no random state to go on as if it had never stopped.
    generator = torch.Generator().manual_seed(state.config.seed * 100_003 + epoch)
    order = torch.randperm(len(rows.train), generator=generator).tolist()
    torch.manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
    progress, task = bar

    state.model.train()
    train = _Sums()
    shuffled = [rows.train[index] for index in order]
    for batch in batches(
        store, shuffled, inputs=state.model.inputs, batch_size=state.config.batch_size
    ):
        batch = batch.to(state.fabric.device)
        state.optimizer.zero_grad()
        logits = state.model(rgb=batch.rgb, flow=batch.flow)
        loss = joint_loss(logits, batch.labels)
        state.fabric.backward(loss)
        state.optimizer.step()
        train.add(logits.detach(), batch.labels, loss.detach())
        progress.advance(task)
    if not math.isfinite(train.loss):
        raise UserError(
            f"the training loss is {train.loss} in epoch {epoch}: it diverged; give a smaller --lr"
            f" than {state.config.learning_rate:g}",
            exit_status=1,
        )
    val = _validate(state, store, rows.val)
    best = all(
        (val.top1, -val.loss) > (before.val_top1, -before.val_loss) for before in state.history
    )
    progress.update(
        task, note=f"epoch {epoch}: loss {train.loss:.3f}, validation top-1 {val.top1:.1%}"
    )
    return EpochMetrics(
        epoch=epoch,
        train_loss=train.loss,
        train_top1=train.top1,
        val_loss=val.loss,
        val_top1=val.top1,
        seconds=round(time.monotonic() - started, 3),
        best=best,
    )


def _validate(state: _State, store: Store, rows: Sequence[ClipRow]) -> "_Sums":
    state.model.eval()
    sums = _Sums()
    with torch.inference_mode():
        for batch in batches(
            store, rows, inputs=state.model.inputs, batch_size=state.config.batch_size
        ):
            batch = batch.to(state.fabric.device)
            logits = state.model(rgb=batch.rgb, flow=batch.flow)
            sums.add(logits, batch.labels, joint_loss(logits, batch.labels))
    return sums


class _Sums:
    """Loss and top-1 over clips, batch by batch."""

    def __init__(self) -> None:
        self._clips = 0
        self._loss = 0.0
        self._right = 0

    def add(self, logits: Tensor, labels: Tensor, loss: Tensor) -> None:
        self._clips += len(labels)
        self._loss += float(loss) * len(labels)
        self._right += int((scores(logits).argmax(dim=1) == labels).sum())

    @property
    def loss(self) -> float:
        return self._loss / self._clips

    @property
    def top1(self) -> float:
        return self._right / self._clips


def _save_state(state: _State, run: Run) -> None:
    with atomic_path(run.last_path) as beside:
        state.fabric.save(
            beside,
            {
                "model": state.model,
                "optimizer": state.optimizer,
                "history": [asdict(epoch) for epoch in state.history],
            },
        )
