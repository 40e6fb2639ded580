"""`downloads.jsonl`: what came of every URL."""

import json
import os
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import get_args

from signflow.download.outcome import Outcome
from signflow.errors import UserError
from signflow.files import atomic_path

LEDGER = "downloads.jsonl"


@dataclass(frozen=True, kw_only=True)
class Line:
    """What came of one URL when it was last tried.

    Attributes:
        url: the address asked.
        file: the file's name in the directory; without suffix where no whole one came.
        outcome: see `Outcome`.
        reason: why it is not there; where it is: why it came whole though sections were asked for,
            else empty.
        bytes: the file's size, or that of all sections; 0 where none came.
        tried: when, in UTC (ISO 8601).
        sections: names of the files that hold sections of it, in order of time; none where it is
            there whole.
    """

    url: str
    file: str
    outcome: Outcome
    reason: str
    bytes: int
    tried: str
    sections: tuple[str, ...] = ()


class Ledger:
    """The ledger of a directory: a line is added as soon as an outcome is known.

    While a run is under way a URL may have several lines, of which the last counts; `compact`
    leaves one each. A line that a kill cut short is passed over. Safe to use from many threads.

    Raises:
        UserError: a whole line is no ledger line.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LEDGER
        self._lock = threading.Lock()
        self._lines = _read(self.path)
        self.compact()

    def get(self, url: str) -> Line | None:
        """Return what is known of a URL."""
        return self._lines.get(url)

    def add(self, line: Line) -> None:
        """Record an outcome, on disk before this returns."""
        with self._lock:
            self._lines[line.url] = line
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_text(line))
                file.flush()
                os.fsync(file.fileno())

    def compact(self) -> None:
        """Rewrite the file with one line a URL, ordered by file name."""
        with self._lock:
            if not self._lines:
                return
            lines = sorted(self._lines.values(), key=lambda line: (line.file, line.url))
            with atomic_path(self.path) as beside:
                beside.write_text("".join(map(_text, lines)), encoding="utf-8")


def _text(line: Line) -> str:
    return json.dumps(asdict(line), ensure_ascii=False) + "\n"


def _read(path: Path) -> dict[str, Line]:
    if not path.exists():
        return {}
    lines: dict[str, Line] = {}
    # Only what ends in a line break was written whole.
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    for number, text in enumerate(whole.splitlines(), start=1):
        try:
            line = Line(**json.loads(text))
            if line.outcome not in get_args(Outcome) or not isinstance(line.url, str):
                raise ValueError(f"outcome is {line.outcome!r}")
            line = replace(line, sections=tuple(map(str, line.sections)))
        except (TypeError, ValueError) as error:
            raise UserError(
                f"{path}, line {number}: is no line of signflow download's ledger ({error});"
                " put the file aside to begin anew (videos that are there are kept)"
            ) from None
        lines[line.url] = line
    return lines
