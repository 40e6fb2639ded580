"""The processes that train beside the first one on the same machine: started, watched, ended."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from rich.markup import escape

from signflow.errors import UserError
from signflow.progress import console_err
from signflow.training.config import TrainConfig
from signflow.training.processes import Processes

GRACE_SECONDS = 20.0
"""How long this process may go on when another has failed, before it is ended."""


@contextmanager
def followers(
    processes: Processes, *, store: Path, config: TrainConfig, out: Path, device: str
) -> Iterator[None]:
    """Run `signflow.training.follow` for every rank but the first, while the block runs.

    None is started where torchrun or Slurm has started them, where there is one process only, or
    in a process that is a follower itself. They end when this process ends, however it ends.

    Raises:
        UserError: one of them ended before its time (a kill, too little memory).
    """
    if processes.outside or not processes.first or processes.count == 1:
        yield
        return
    order: dict[str, object] = {
        "store": str(store),
        "out": str(out),
        "device": device,
        "config": config.to_dict(),
    }
    with tempfile.TemporaryDirectory(prefix="signflow-") as folder:
        logs = [Path(folder) / f"{rank}.log" for rank in range(1, processes.count)]
        started = [
            _start(replace(processes, rank=rank), order, log) for rank, log in enumerate(logs, 1)
        ]
        left = threading.Event()
        threading.Thread(target=_watch, args=(started, logs, left), daemon=True).start()
        try:
            yield
            for process in started:
                process.wait(timeout=GRACE_SECONDS)
        except UserError:
            raise
        except (RuntimeError, subprocess.TimeoutExpired):
            # The connection broke: say who was the first to go, not how it was noticed.
            with suppress(subprocess.TimeoutExpired):
                started[0].wait(timeout=5)
            message = _first_failure(started, logs)
            if message is None:
                raise
            raise UserError(message, exit_status=1) from None
        finally:
            left.set()
            for process in started:
                process.kill()
                process.wait()


def end_with_the_first(pipe: int) -> None:
    """End this process at once when the one at the pipe's other end is gone; for a thread.

    Args:
        pipe: file descriptor. (A buffered file that a thread reads cannot be closed at exit.)
    """
    os.read(pipe, 1)
    os._exit(1)


def _start(processes: Processes, order: dict[str, object], log: Path) -> "subprocess.Popen[bytes]":
    place = {"devices": processes.devices, "rank": processes.rank, "port": processes.port}
    words = [sys.executable, "-m", "signflow.training.follow", json.dumps({**order, **place})]
    with log.open("wb") as messages:
        # The pipe is never written to: it closes when this process ends, and tells the other so.
        return subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=messages
        )


def _watch(
    started: Sequence["subprocess.Popen[bytes]"], logs: Sequence[Path], left: threading.Event
) -> None:
    """End this process where another failed and this one waits for it in vain (NCCL does)."""
    while not left.wait(1.0):
        message = _first_failure(started, logs)
        if message is not None:
            if not left.wait(GRACE_SECONDS):
                console_err.print(f"[bold red]signflow:[/] {escape(message)}", soft_wrap=True)
                for process in started:
                    process.kill()
                os._exit(1)
            return


def _first_failure(
    started: Sequence["subprocess.Popen[bytes]"], logs: Sequence[Path]
) -> str | None:
    for rank, (process, log) in enumerate(zip(started, logs, strict=True), 1):
        status = process.poll()
        if status:
            time.sleep(0.1)
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            why = lines[-1] if lines else f"killed by signal {-status}" if status < 0 else ""
            return (
                f"training process {rank} of {len(started) + 1} ended with status {status}"
                f"{f' ({why})' if why else ''}; the same command goes on from the last checkpoint"
            )
    return None
