"""One epoch: every training clip once, then validation."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from signflow.errors import UserError
from signflow.models import joint_loss, scores
from signflow.store import ClipRow, Store
from signflow.training.augment import Draws, augment
from signflow.training.batches import Batch, read_ahead
from signflow.training.dropout import RandomState, StepDropout
from signflow.training.learner import Learner
from signflow.training.online import what_is_read, with_online_flow
from signflow.training.run import EpochMetrics
from signflow.training.schedule import learning_rate_at
from signflow.training.steps import Part, parts_of

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def run_epoch(
    learner: Learner,
    store: Store,
    *,
    train_rows: Sequence[ClipRow],
    val_rows: Sequence[ClipRow],
    after_step: Callable[[], None],
) -> EpochMetrics:
    """Go through the epoch that follows the learner's history; the history is left as it is.

    Args:
        learner: what learns.
        store: where the clips are.
        train_rows: built clips to learn from.
        val_rows: built clips to validate on.
        after_step: called after every step.

    Raises:
        UserError: the loss stopped being a number (exit status 1).
    """
    started = time.monotonic()
    epoch = len(learner.history) + 1
    train = _learn(learner, store, train_rows, epoch=epoch, after_step=after_step)
    if not math.isfinite(train.loss):
        raise UserError(
            f"the training loss is {train.loss} in epoch {epoch}: it diverged; give a smaller --lr"
            f" than {learner.config.learning_rate:g}",
            exit_status=1,
        )
    val = _validate(learner, store, val_rows)
    best = all(
        (val.top1, -val.loss) > (before.val_top1, -before.val_loss) for before in learner.history
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


def _learn(
    learner: Learner,
    store: Store,
    rows: Sequence[ClipRow],
    *,
    epoch: int,
    after_step: Callable[[], None],
) -> "_Sums":
    fabric, config, model = learner.fabric, learner.config, learner.model
    # All randomness of an epoch follows from the seed and its number, so that a resumed run needs
    # no random state to go on as if it had never stopped.
    generator = torch.Generator().manual_seed(config.seed * 100_003 + epoch)
    order = torch.randperm(len(rows), generator=generator).tolist()
    torch.manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
    augment_seed = int(torch.randint(2**62, (1,), generator=generator))

    parts = parts_of(
        [rows[index] for index in order],
        batch_size=config.batch_size,
        accumulate=config.accumulate,
        processes=fabric.world_size,
        process=fabric.global_rank,
        weight_of=learner.objective.weight_of,
    )
    steps_per_epoch = math.ceil(len(rows) / config.batch_size)
    step = (epoch - 1) * steps_per_epoch
    sums = _Sums()
    model.train()
    inputs = what_is_read(learner.net.inputs, config.flow)
    read = read_ahead(store, [part.rows for part in parts], inputs=inputs)
    for part, batch in zip(parts, read, strict=True):
        batch = _augmented(learner, store, batch, Draws(augment_seed + step, part))
        if part.first:
            learner.optimizer.zero_grad()
            _set_learning_rate(learner, step, steps_per_epoch=steps_per_epoch)
            random = None if part.whole else RandomState(fabric.device)
        elif random is not None:
            random.put_back()
        # Gradients are summed over the processes once a step, with its last part.
        with fabric.no_backward_sync(model, enabled=not part.last):
            with _dropout_of(part):
                logits = model(rgb=batch.rgb, flow=batch.flow)
            loss = learner.objective(logits, batch.labels)
            # DDP takes the mean of the processes' gradients; what is wanted is their sum.
            fabric.backward(loss * (part.share * fabric.world_size))
        if part.share:
            logits = logits.detach()
            sums.add(logits, batch.labels, joint_loss(logits, batch.labels))
        if part.last:
            learner.optimizer.step()
            step += 1
            after_step()
    return sums.over_all(fabric)


def _augmented(learner: Learner, store: Store, batch: Batch, draws: Draws) -> Batch:
    """A training batch as the net sees it, on the device."""
    changed = augment(
        batch.to(learner.fabric.device),
        learner.config.augmentation,
        draws,
        bound=store.recipe.bound,
        classes=len(store.classes),
    )
    if learner.config.flow == "stored":
        return changed
    return with_online_flow(changed, recipe=store.recipe, inputs=learner.net.inputs)


def _validate(learner: Learner, store: Store, rows: Sequence[ClipRow]) -> "_Sums":
    """Every clip once, in one process or another; with the net alone, which need not wait."""
    fabric = learner.fabric
    parts = [
        part
        for part in parts_of(
            rows,
            batch_size=learner.config.batch_size,
            accumulate=learner.config.accumulate,
            processes=fabric.world_size,
            process=fabric.global_rank,
        )
        if part.share
    ]
    # A store without flow has the device compute it here too; it does not wait for the processor.
    source = "stored" if store.recipe.keep_flow else learner.config.flow
    inputs = what_is_read(learner.net.inputs, source)
    sums = _Sums()
    learner.model.eval()
    with torch.inference_mode():
        for batch in read_ahead(store, [part.rows for part in parts], inputs=inputs):
            batch = batch.to(fabric.device)
            if source == "online":
                batch = with_online_flow(batch, recipe=store.recipe, inputs=learner.net.inputs)
            with fabric.autocast():
                logits = learner.net(rgb=batch.rgb, flow=batch.flow)
            logits = logits.float()
            sums.add(logits, batch.labels, joint_loss(logits, batch.labels))
    return sums.over_all(fabric)


def _set_learning_rate(learner: Learner, step: int, *, steps_per_epoch: int) -> None:
    rate = learning_rate_at(learner.config, step, steps_per_epoch=steps_per_epoch)
    for group in learner.optimizer.param_groups:
        group["lr"] = rate


def _dropout_of(part: Part) -> AbstractContextManager[object]:
    return nullcontext() if part.whole else StepDropout(part)


class _Sums:
    """Loss and top-1 over clips, batch by batch."""

    def __init__(self) -> None:
        self._clips = 0
        self._loss = 0.0
        self._right = 0

    def add(self, logits: Tensor, labels: Tensor, loss: Tensor) -> None:
        self._clips += len(labels)
        self._loss += float(loss) * len(labels)
        if labels.ndim == 2:  # of mixed clips, the sign that there is most of
            labels = labels.argmax(dim=1)
        self._right += int((scores(logits).argmax(dim=1) == labels).sum())

    def over_all(self, fabric: "Fabric") -> "_Sums":
        """The sums over all processes, none of whose clips another has."""
        if fabric.world_size == 1:
            return self
        mine = torch.tensor(
            [self._clips, self._loss, self._right], dtype=torch.float64, device=fabric.device
        )
        summed = torch.as_tensor(fabric.all_reduce(mine, reduce_op="sum"))
        whole = _Sums()
        whole._clips, whole._loss, whole._right = int(summed[0]), float(summed[1]), int(summed[2])
        return whole

    @property
    def loss(self) -> float:
        return self._loss / self._clips

    @property
    def top1(self) -> float:
        return self._right / self._clips
