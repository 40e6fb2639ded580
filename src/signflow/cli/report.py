"""`signflow report RUN... --out report.html`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from signflow.cli.parse import parse
from signflow.evaluation import (
    TABLES,
    TableName,
    report_tables,
    summary_table,
    write_report,
    write_tensorboard,
)
from signflow.files import atomic_path
from signflow.progress import console


@dataclass(frozen=True, kw_only=True)
class Report:
    """Make one self-contained page of one or more runs, or tables for a paper.

    Attributes:
        runs: run directories, or folders of them.
        out: the page, by default report.html; tables go to the terminal where it is not given.
        format: html is the page; markdown, csv and latex are its tables.
        table: which tables; by default all, for csv results.
        tensorboard: also write event files into this folder, for tensorboard --logdir.
        title: of the page.
    """

    runs: Positional[tuple[Path, ...]]
    out: Path | None = None
    format: Literal["html", "markdown", "csv", "latex"] = "html"
    table: tuple[TableName, ...] = ()
    tensorboard: Path | None = None
    title: str = "Signs in video"


def run(words: Sequence[str]) -> None:
    """Write the page and print the runs' table, or print the tables."""
    asked = parse(Report, words, command="report")
    if asked.format == "html":
        page = write_report(asked.runs, asked.out or Path("report.html"), title=asked.title)
        console.print(summary_table(asked.runs))
        console.print(f"The report: {page}", highlight=False, soft_wrap=True)
    else:
        usual: tuple[TableName, ...] = ("results",) if asked.format == "csv" else TABLES
        text = report_tables(asked.runs, form=asked.format, tables=asked.table or usual)
        if asked.out is None:
            console.out(text, end="", highlight=False)
        else:
            with atomic_path(asked.out) as beside:
                beside.write_text(text, encoding="utf-8")
    if asked.tensorboard is not None:
        write_tensorboard(asked.runs, asked.tensorboard)
