"""Who does which run: claims by files that only one process can create.

A claim on a run is a file `RUN.1`, made with O_EXCL, that holds who claimed it and is touched while
its process lives. A claim that is touched no more is stale. It is taken over by creating `RUN.2`,
again with O_EXCL: of several takers one wins, and nothing has to be moved or deleted for it. The
highest number counts, and a holder that finds a higher one than its own has lost the run.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When a claim is stale.

    Attributes:
        heartbeat_seconds: between two touches of a claim.
        stale_seconds: without a touch, until others may take over. A shared folder may show a
            touch late (NFS: up to a minute). A process of this machine that has ended is known to
            have; for it nobody waits.
        poll_seconds: between two looks at what other processes do.
        attempts: how often a run may take its process down without having got one epoch further,
            before it is recorded as failed.
    """

    heartbeat_seconds: float = 20.0
    stale_seconds: float = 300.0
    poll_seconds: float = 5.0
    attempts: int = 3


@dataclass(frozen=True, kw_only=True)
class Holder:
    """What a claim file says.

    Attributes:
        host: name of the machine, for people.
        machine: of the machine since it was started, and of its process numbers' space (a
            container has its own): where it is ours, `pid` can be asked after.
        pid: process number.
        epochs: how many epochs of the run were done when it was claimed.
        attempt: how often in a row the run was claimed at this number of epochs, from 1.
    """

    host: str
    machine: str
    pid: int
    epochs: int
    attempt: int


class Claim:
    """A claim that this process holds, kept alive by a thread.

    Attributes:
        attempt: see `Holder`.
    """

    def __init__(self, path: Path, *, attempt: int, timing: Timing) -> None:
        """Use `claimed`."""
        self.attempt = attempt
        self._path = path
        self._timing = timing
        self._released = threading.Event()
        self._lost = False
        threading.Thread(target=self._beat, daemon=True, name="heartbeat").start()

    @property
    def lost(self) -> bool:
        """Whether another process has taken the run over (this one was asleep for too long)."""
        return self._lost or _next(self._path).exists()

    def release(self) -> None:
        """Let go: the run is done, or this process does no more for it."""
        self._released.set()
        self._path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._released.wait(self._timing.heartbeat_seconds):
            try:
                os.utime(self._path)
            except FileNotFoundError:
                self._lost = not self._released.is_set()
                return
            except OSError:  # a shared folder that is away for a while
                continue


@contextmanager
def claimed(folder: Path, name: str, *, timing: Timing, epochs: int = 0) -> Iterator[Claim | None]:
    """Try to claim a run for the duration of the block.

    When the block is left in an orderly way, also by an exception or Ctrl-C, the claim is released;
    when the process dies in it, the claim stays and becomes stale.

    Args:
        folder: where the claims of a sweep are.
        name: of the run.
        timing: when claims are stale.
        epochs: how many of the run's epochs are done, to count attempts that come to nothing.

    Yields:
        The claim; None where another process holds the run.
    """
    claim = _try(folder, name, timing=timing, epochs=epochs)
    try:
        yield claim
    finally:
        if claim is not None:
            claim.release()


@contextmanager
def locked(folder: Path, name: str, *, timing: Timing) -> Iterator[None]:
    """Wait for a claim, for something short that one process at a time may do."""
    while True:
        with claimed(folder, name, timing=timing) as claim:
            if claim is not None:
                yield
                return
        time.sleep(0.05)


def held(folder: Path, name: str, *, timing: Timing) -> bool:
    """Whether a process holds the run, as far as can be seen."""
    latest = _latest(folder, name)
    return latest is not None and not _stale(latest, timing)


def forget(folder: Path, name: str) -> None:
    """Remove what is left of a run's claims. For a process that holds it, or when it is done."""
    for path in _all(folder, name):
        path.unlink(missing_ok=True)


def _try(folder: Path, name: str, *, timing: Timing, epochs: int) -> Claim | None:
    folder.mkdir(parents=True, exist_ok=True)
    latest = _latest(folder, name)
    attempt = 1
    if latest is not None:
        if not _stale(latest, timing):
            return None
        before = _read(latest)
        if before is not None and epochs <= before.epochs:
            attempt = before.attempt + 1
    path = folder / f"{name}.1" if latest is None else _next(latest)
    holder = Holder(
        host=socket.gethostname(),
        machine=_this_machine(),
        pid=os.getpid(),
        epochs=epochs,
        attempt=attempt,
    )
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(json.dumps(asdict(holder)))
    except FileExistsError:
        return None
    if latest is None and _latest(folder, name) != path:
        # Between our look and our claim the run was claimed, died and was taken over.
        path.unlink(missing_ok=True)
        return None
    return Claim(path, attempt=attempt, timing=timing)


def _stale(path: Path, timing: Timing) -> bool:
    holder = _read(path)
    if holder is not None and holder.machine == _this_machine() and not _alive(holder.pid):
        return True
    try:
        return _now_in(path.parent) - path.stat().st_mtime > timing.stale_seconds
    except FileNotFoundError:  # released this moment: to be seen again, not to be taken over
        return False


def _read(path: Path) -> Holder | None:
    """What a claim says; None while it is being written, or where it was released."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        return None


def _all(folder: Path, name: str) -> list[Path]:
    found = [path for path in folder.glob(f"{name}.*") if path.suffix[1:].isdigit()]
    return sorted(
        (path for path in found if path.stem == name), key=lambda path: int(path.suffix[1:])
    )


def _latest(folder: Path, name: str) -> Path | None:
    paths = _all(folder, name)
    return paths[-1] if paths else None


def _next(path: Path) -> Path:
    return path.with_name(f"{path.stem}.{int(path.suffix[1:]) + 1}")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _this_machine() -> str:
    """Tells apart machines, their starts, and containers with process numbers of their own."""
    facts = [socket.gethostname()]
    for place in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with suppress(OSError):
            path = Path(place)
            facts.append(str(path.readlink()) if path.is_symlink() else path.read_text().strip())
    return "/".join(facts)


def _now_in(folder: Path) -> float:
    """The time by the clock that dates the folder's files, which need not be this machine's."""
    probe = folder / f".now-{uuid.uuid4().hex}"
    try:
        probe.touch()
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
