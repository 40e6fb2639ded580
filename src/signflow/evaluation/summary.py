"""Runs side by side on the terminal."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from signflow.evaluation.metrics import SplitResult
from signflow.evaluation.runs import RunRecord
from signflow.evaluation.words import NOTHING, percent, rate, span

_OWN_COLUMNS = ("model", "batch_size", "learning_rate", "epochs", "seed", "fold")


def summary_table(runs: Sequence[Path]) -> Table:
    """Return a row for each run: what it is, and its accuracies with 95 % intervals.

    Of the settings only those are shown in which the runs differ; the names of their directories
    only where nothing else tells two runs apart.

    Args:
        runs: run directories; one that is not evaluated has dashes.

    Raises:
        UserError: one of them is no run, or is damaged.
    """
    records = [RunRecord.read(path) for path in runs]
    settings = [_settings(record) for record in records]
    differing = _differing(records, settings)
    table = Table(caption="[ ] 95 % interval over clips", caption_justify="left")
    table.add_column("net", no_wrap=True)
    for name in differing:
        table.add_column(name, justify="right")
    for name in ("validation top-1", "test top-1", "test clips"):
        table.add_column(name, justify="right", no_wrap=True)
    for record, setting in zip(records, settings, strict=True):
        cells = [
            record.config.model,
            *(setting[name] for name in differing),
            _accuracy(record.splits.get("val")),
            _accuracy(record.splits.get("test")),
            _clips(record.splits.get("test")),
        ]
        # As Text, because in markup the brackets of an interval would be a tag.
        table.add_row(*map(Text, cells))
    return table


def _differing(records: Sequence[RunRecord], settings: Sequence[dict[str, str]]) -> list[str]:
    names = [
        name
        for name in (settings[0] if settings else {})
        if len({setting[name] for setting in settings}) > 1
    ]
    without_run = [name for name in names if name != "run"]
    told_apart = {
        (record.config.model, *(setting[name] for name in without_run))
        for record, setting in zip(records, settings, strict=True)
    }
    return without_run if len(told_apart) == len(records) else names


def _settings(record: RunRecord) -> dict[str, str]:
    config = record.config
    options = {
        name.replace("_", " "): str(value)
        for name, value in config.to_dict().items()
        if name not in _OWN_COLUMNS
    }
    return {
        "run": record.path.resolve().name,
        "batch": str(config.batch_size),
        "lr": rate(config.learning_rate),
        "epochs": str(config.epochs),
        "seed": str(config.seed),
        "fold": NOTHING if config.fold is None else str(config.fold),
        **options,
    }


def _accuracy(result: SplitResult | None) -> str:
    if result is None or result.top1.value is None:
        return NOTHING
    return f"{percent(result.top1.value)} [{span(result.top1)}]"


def _clips(result: SplitResult | None) -> str:
    return NOTHING if result is None else f"{result.clips} of {result.asked}"
