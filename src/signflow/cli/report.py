"""`signflow report RUN... --out report.html`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from signflow.cli.parse import parse
from signflow.evaluation import summary_table, write_report
from signflow.progress import console
from signflow.sweep import runs_in


@dataclass(frozen=True, kw_only=True)
class Report:
    """Make one self-contained page of one or more runs.

    Attributes:
        runs: run directories, or folders of signflow sweep: all their complete runs.
        out: the page.
    """

    runs: Positional[tuple[Path, ...]]
    out: Path = Path("report.html")


def run(words: Sequence[str]) -> None:
    """Write the page and print the runs' table."""
    asked = parse(Report, words, command="report")
    runs = runs_in(asked.runs)
    page = write_report(runs, asked.out)
    console.print(summary_table(runs))
    console.print(f"The report: {page}", highlight=False, soft_wrap=True)
