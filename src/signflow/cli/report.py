"""`signflow report RUN... --out report.html`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from signflow.cli.parse import parse
from signflow.evaluation import summary_table, write_report
from signflow.progress import console


@dataclass(frozen=True, kw_only=True)
class Report:
    """Make one self-contained page of one or more runs.

    Attributes:
        runs: run directories.
        out: the page.
    """

    runs: Positional[tuple[Path, ...]]
    out: Path = Path("report.html")


def run(words: Sequence[str]) -> None:
    """Write the page and print the runs' table."""
    asked = parse(Report, words, command="report")
    page = write_report(asked.runs, asked.out)
    console.print(summary_table(asked.runs))
    console.print(f"The report: {page}", highlight=False, soft_wrap=True)
