"""An end to silence: a worker process whose decoder hangs ends itself.

A hang inside a C library cannot be interrupted from Python, and may hold the interpreter's lock.
`faulthandler` keeps its clock in a thread that needs no lock, and can end the process.
"""

import faulthandler
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_SHARES = 20
"""A clock that was set less than a twentieth of the patience ago is left as it is: setting it
costs more than decoding a frame."""


@contextmanager
def end_when_silent(seconds: float, *, evidence: Path) -> Iterator[None]:
    """End this process when `sign_of_life` has not been called for so long.

    It ends with exit status 1, without any clean-up, as from the outside. One block at a time is
    watched in a process.

    Args:
        seconds: of silence, above 0; up to a twentieth less may be enough.
        evidence: a file that holds the stacks of all threads afterwards; it stays empty, and is
            removed, when the block is left in time.
    """
    global _watch
    with evidence.open("w", encoding="utf-8") as file:
        _watch = _Watch(seconds, file)
        _watch.wind()
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            _watch = None
    evidence.unlink(missing_ok=True)


def sign_of_life() -> None:
    """Say that the work goes on; does nothing where nobody watches."""
    if _watch is not None and time.monotonic() >= _watch.due:
        _watch.wind()


class _Watch:
    def __init__(self, seconds: float, file: TextIO) -> None:
        self._seconds = seconds
        self._file = file
        self.due = 0.0

    def wind(self) -> None:
        faulthandler.dump_traceback_later(self._seconds, exit=True, file=self._file)
        self.due = time.monotonic() + self._seconds / _SHARES


_watch: _Watch | None = None
