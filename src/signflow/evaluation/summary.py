"""Runs side by side on the terminal."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from signflow.evaluation.metrics import SplitResult
from signflow.evaluation.runs import RunRecord, find_runs
from signflow.evaluation.settings import REPEATED, differing_settings, settings_of
from signflow.evaluation.words import NOTHING, percent, span


def summary_table(runs: Sequence[Path], *, views: int = 1) -> Table:
    """Return a row for each run: what it is, and its accuracies with 95 % intervals.

    Of the settings only those are shown in which the runs differ; the names of their directories
    only where nothing else tells two runs apart.

    Args:
        runs: run directories, or folders of them; a run that is not evaluated has dashes.
        views: of each clip, over which the scores are means.

    Raises:
        UserError: one of them is no run, or is damaged.
    """
    records = [RunRecord.read(path, views=views) for path in find_runs(runs)]
    settings = [_settings(record) for record in records]
    differing = _differing(records)
    caption = "[ ] 95 % interval over clips"
    if views > 1:
        caption += f"; scores are means over {views} views of each clip"
    table = Table(caption=caption, caption_justify="left")
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


def _differing(records: Sequence[RunRecord]) -> list[str]:
    names = differing_settings(records)
    for name in REPEATED:
        if len({settings_of(record).get(name) for record in records}) > 1:
            names.append(name)
    told_apart = {
        (record.config.model, *(settings_of(record)[name] for name in names)) for record in records
    }
    return names if len(told_apart) == len(records) else ["run", *names]


def _settings(record: RunRecord) -> dict[str, str]:
    return {"run": record.path.resolve().name, **settings_of(record)}


def _accuracy(result: SplitResult | None) -> str:
    if result is None or result.top1.value is None:
        return NOTHING
    return f"{percent(result.top1.value)} [{span(result.top1)}]"


def _clips(result: SplitResult | None) -> str:
    return NOTHING if result is None else f"{result.clips} of {result.asked}"
