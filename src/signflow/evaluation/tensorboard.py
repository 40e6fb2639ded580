"""Learning curves and results as event files for TensorBoard."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signflow.errors import UserError
from signflow.evaluation.measures import MEASURES
from signflow.evaluation.runs import RunRecord, find_runs

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def write_tensorboard(runs: Sequence[Path], folder: Path) -> Path:
    """Write a folder of event files for each run into `folder`; return `folder`.

    The curves are `loss` and `top1`, each with `train` and `validation`; the tab HPARAMS sets the
    settings beside what was measured. Folders of the same runs that were written before are
    replaced; each appears whole or not at all.

    Args:
        runs: run directories, or folders of them.
        folder: what `tensorboard --logdir` will be given.

    Raises:
        UserError: TensorBoard is not installed, or a path holds no runs.
    """
    writer_type = _summary_writer()
    records = [RunRecord.read(path) for path in find_runs(runs)]
    for record, name in zip(records, _names(records), strict=True):
        target, beside = folder / name, folder / f".{name}.partial"
        shutil.rmtree(beside, ignore_errors=True)
        _write_run(record, beside, writer_type)
        shutil.rmtree(target, ignore_errors=True)
        beside.rename(target)
    return folder


def _write_run(record: RunRecord, folder: Path, writer_type: "type[SummaryWriter]") -> None:
    folder.mkdir(parents=True)
    with writer_type(str(folder)) as writer:
        for epoch in record.history:
            for name, value in (
                ("loss/train", epoch.train_loss),
                ("loss/validation", epoch.val_loss),
                ("top1/train", epoch.train_top1),
                ("top1/validation", epoch.val_top1),
            ):
                writer.add_scalar(name, value, epoch.epoch)
        measured = {
            f"{split}/{measure.name}": interval.value
            for split, result in record.splits.items()
            for measure in MEASURES
            if (interval := result.measured(measure.name)) and interval.value is not None
        }
        writer.add_hparams(_settings(record), measured, run_name=".")


def _settings(record: RunRecord) -> dict[str, Any]:
    return {
        name: value if isinstance(value, bool | int | float | str) else str(value)
        for name, value in record.config.to_dict().items()
    }


def _names(records: Sequence[RunRecord]) -> list[str]:
    """Return a name for each run: of its directory, or as much of its path as tells it apart."""
    paths = [record.path.resolve() for record in records]
    depth = 1
    while len({path.parts[-depth:] for path in paths}) < len(set(paths)):
        depth += 1
    return ["-".join(part for part in path.parts[-depth:] if part != "/") for path in paths]


def _summary_writer() -> "type[SummaryWriter]":
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError(
            "--tensorboard: TensorBoard is not installed; pip install 'signflow[tensorboard]'"
        ) from None
    return SummaryWriter
