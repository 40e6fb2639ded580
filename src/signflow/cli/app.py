"""`signflow app [RUN]`."""

import signal
import threading
from collections.abc import Sequence
from typing import Any

from rich.markup import escape

from signflow.app import AppConfig, is_open, serving
from signflow.cli.parse import parse
from signflow.progress import console, console_err


def run(words: Sequence[str]) -> None:
    """Serve the page until Ctrl-C, or until the process is asked to end."""
    config = parse(AppConfig, words, command="app")
    if is_open(config.host):
        console_err.print(
            f"[bold yellow]Open to others:[/] whoever reaches {escape(config.host)} can see, record"
            " and delete clips, and train; there is no password. Browsers give the camera to such"
            " pages by https only. Leave --host out to keep the page to this computer.",
            highlight=False,
        )
    ended = threading.Event()

    def end(*_: Any) -> None:
        ended.set()

    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, end)
    with serving(config) as address:
        console.print(f"signflow is at {address} (Ctrl-C ends it)", highlight=False)
        # In short waits, because a signal is looked at in between (Windows).
        while not ended.wait(0.5):
            pass
