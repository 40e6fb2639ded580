"""One look for every progress bar and table on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console()
"""Where results go (standard output)."""

console_err = Console(stderr=True)
"""Where progress and errors go, so that results can be piped."""


@contextmanager
def progress_bar(*, shown: bool = True, speed_seconds: float = 30.0) -> Iterator[Progress]:
    """Yield a rich progress display on standard error.

    Of several processes that work together only the first should have it `shown`. The time left is
    estimated from the last `speed_seconds`.

    Tasks added to it may set a field `note` for a short text at the end of their line. Where
    standard error is no terminal (a log file, CI) nothing is drawn.
    """
    with Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console_err,
        speed_estimate_period=speed_seconds,
        disable=not (shown and console_err.is_terminal),
    ) as progress:
        yield progress
