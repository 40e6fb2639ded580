"""A sweep's folder, and what became of each of its runs.

sweep.json          the store, and what was asked for, command by command
RUN/                an ordinary run directory each
RUN/failed.json     why it failed; RUN/failed.log has the traceback of an unforeseen error
RUN/pruned.json     where a search has given it up
.claims/            who does which run at present
search.log          the trials of a search (Optuna's journal)
"""

import socket
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from signflow.errors import UserError
from signflow.files import atomic_path, read_json, write_json
from signflow.store import Store
from signflow.sweep.claims import Timing, locked

SCHEMA_VERSION = 1

State = Literal["open", "done", "failed", "pruned"]


@dataclass(frozen=True, kw_only=True)
class SweepFolder:
    """A folder of runs on one store.

    Attributes:
        path: the folder.
        timing: when claims in it are stale.
    """

    path: Path
    timing: Timing

    @property
    def claims(self) -> Path:
        """Where the claims are."""
        return self.path / ".claims"

    @property
    def search_log(self) -> Path:
        """The trials of a search."""
        return self.path / "search.log"

    def run_path(self, name: str) -> Path:
        """The directory of a run."""
        return self.path / name

    def state(self, name: str) -> State:
        """What became of a run; "open" where it is to be done, or being done."""
        run = self.run_path(name)
        if (run / "environment.json").exists():
            return "done"
        for state in ("failed", "pruned"):
            if (run / f"{state}.json").exists():
                return state
        return "open"

    def epochs_done(self, name: str) -> int:
        """How many epochs of a run are done."""
        try:
            return (self.run_path(name) / "metrics.jsonl").read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0

    def ask(self, store: Store, *, asked: Mapping[str, Any], runs: Sequence[str]) -> None:
        """Write down what is asked for. Several commands may add to one folder.

        Args:
            store: what is trained on; one folder, one store.
            asked: the command, as JSON values.
            runs: names of its runs.

        Raises:
            UserError: the folder's runs are of another store, or it is something else.
        """
        place = self.path / "sweep.json"
        if self.path.exists() and not place.exists():
            entries = self.path.iterdir() if self.path.is_dir() else [self.path]
            if any(not entry.name.startswith(".") for entry in entries):
                raise UserError(f"{self.path}: is not empty and holds no sweep; give another --out")
        with locked(self.claims, "sweep.json", timing=self.timing):
            held = _read(place) if place.exists() else {"commands": [], "runs": []}
            found = held.get("store_fingerprint", store.fingerprint)
            if found != store.fingerprint:
                raise UserError(
                    f"{self.path}: holds a sweep on the store {found} ({held.get('store')}), not"
                    f" {store.fingerprint} ({store.path}); give another --out"
                )
            commands = [*held["commands"], *([] if asked in held["commands"] else [dict(asked)])]
            described = {
                "schema_version": SCHEMA_VERSION,
                "store": str(store.path.absolute()),
                "store_fingerprint": store.fingerprint,
                "commands": commands,
                "runs": list(dict.fromkeys([*held["runs"], *runs])),
            }
            if described != held:
                write_json(place, described)

    def record_failure(self, name: str, error: Exception | str) -> str:
        """Write down that a run failed; return the reason in one line."""
        run = self.run_path(name)
        reason = str(error).strip() or type(error).__name__
        if isinstance(error, Exception) and not isinstance(error, UserError):
            reason = f"{type(error).__name__}: {reason}"
            with atomic_path(run / "failed.log") as beside:
                beside.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        reason = " ".join(reason.split())
        write_json(run / "failed.json", {"reason": reason, "host": _host(), "when": _now()})
        return reason

    def record_pruned(self, name: str, *, epoch: int) -> None:
        """Write down that a search has given a run up; its way back is not needed any more."""
        run = self.run_path(name)
        write_json(run / "pruned.json", {"epoch": epoch, "host": _host(), "when": _now()})
        (run / "last.pt").unlink(missing_ok=True)

    def failure(self, name: str) -> dict[str, Any]:
        """What `record_failure` wrote; empty where there is nothing."""
        place = self.run_path(name) / "failed.json"
        found = read_json(place, what="why a run failed") if place.exists() else {}
        return found if isinstance(found, dict) else {}

    def forget_failure(self, name: str) -> None:
        """Let a run that failed be tried again."""
        for file in ("failed.json", "failed.log"):
            (self.run_path(name) / file).unlink(missing_ok=True)


def _read(place: Path) -> dict[str, Any]:
    values = read_json(place, what="a sweep")
    version = values.get("schema_version") if isinstance(values, dict) else None
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{place}: schema_version is {version!r}; this signflow reads {SCHEMA_VERSION}: give"
            " another --out, or use the signflow that wrote it"
        )
    if not all(isinstance(values.get(key), list) for key in ("commands", "runs")):
        raise UserError(f"{place}: is damaged; remove it and give the sweep's command again")
    return dict(values)


def _host() -> str:
    return socket.gethostname()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
