"""`signflow app [RUN]`."""

import getpass
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from rich.markup import escape

from signflow.app import AppConfig, is_open, serving
from signflow.cli.parse import parse
from signflow.errors import UserError
from signflow.progress import console, console_err

PASSWORD_VARIABLE = "SIGNFLOW_PASSWORD"
_UNGUARDED = "; there is no password (--auth NAME asks for one)"
_UNSEEN = "; without https the password can be read on its way"


def run(words: Sequence[str]) -> None:
    """Serve the page until Ctrl-C, or until the process is asked to end."""
    config = parse(AppConfig, words, command="app")
    password = None if config.auth is None else _password(config.auth)
    if is_open(config.host):
        who = "whoever reaches" if password is None else "whoever has the password and reaches"
        console_err.print(
            f"[bold yellow]Open to others:[/] {who} {escape(config.host)} can see, record and"
            f" delete clips, and train{_UNGUARDED if password is None else _UNSEEN}. Browsers give"
            " the camera to such pages by https only. Leave --host out to keep the page to this"
            " computer.",
            highlight=False,
        )
    ended = threading.Event()

    def end(*_: Any) -> None:
        ended.set()

    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, end)
    with serving(config, password=password) as address:
        console.print(f"signflow is at {address} (Ctrl-C ends it)", highlight=False)
        # In short waits, because a signal is looked at in between (Windows).
        while not ended.wait(0.5):
            pass


def _password(name: str) -> str:
    """The password, from where no list of processes and no history of a shell shows it."""
    # Processes that the page starts do not need it.
    password = os.environ.pop(PASSWORD_VARIABLE, None)
    if password is not None:
        return password
    if not sys.stdin.isatty():
        raise UserError(
            f"--auth {name}: there is no password; set {PASSWORD_VARIABLE}, or start the page in a"
            " terminal, which asks for it"
        )
    return getpass.getpass(f"Password for {name}: ")
