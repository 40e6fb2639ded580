"""Work that may crash, hang or take too much memory, in processes that are kept warm for it.

It keeps faults apart, not enemies: what such a process sends back is trusted.
"""

import multiprocessing
import pickle
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

from signflow.processes import ProcessEndedError, prepare_worker

START_SECONDS = 120.0
"""Until a process begins with a call: it may have to start, and to import what the call needs."""

_REAPING = threading.Lock()
"""Whoever starts a process or waits for one holds it.

`multiprocessing` does not expect two threads to wait for one process, and starting one also waits
for those that have ended: the thread that comes second finds no exit status.
"""

P = ParamSpec("P")
T = TypeVar("T")


class ProcessHungError(Exception):
    """Work took longer than it may; the process that did it was ended."""


class IsolatedWorkers:
    """A few worker processes; one that ends, or does not, is replaced by a fresh one.

    Processes start when they are first needed, and stay for the next call. They are spawned (a fork
    of a process with threads may hang), and none outlives a killed parent. Any number of threads
    may call; those that find no worker free wait.

    Example:
        >>> workers = IsolatedWorkers(2, seconds=60, memory=2**32)
        >>> workers.call(sorted, [2, 1])
        [1, 2]
        >>> workers.close()
    """

    def __init__(self, count: int, *, seconds: float, memory: int | None = None) -> None:
        """Start nothing yet.

        Args:
            count: processes at most, 1 or more.
            seconds: that one call may take, besides the start of a process.
            memory: bytes that a process may have, where the system keeps count (Linux); None: any.
        """
        self._seconds, self._memory = seconds, memory
        # The last one back is the first to go: the warm one.
        self._free: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(count):
            self._free.put(None)
        self._busy: set[_Worker] = set()

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in a worker; it, its arguments and its result must survive pickling.

        Raises:
            ProcessEndedError: the process ended before it had a result.
            ProcessHungError: it took too long.
            MemoryError: it asked for more memory than it may have.

        What the function raises is raised here.
        """
        with self._borrowed() as worker:
            result, error = worker.ask((function, args, kwargs), self._seconds)
            if isinstance(error, MemoryError):
                raise error  # here, so that the process goes: its memory is in pieces
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]  # what comes out of a pipe has no type

    def close(self) -> None:
        """End all processes, also those that are at work."""
        for worker in list(self._busy):
            worker.kill()  # the thread that waits for it cleans up
        for _ in range(self._free.qsize()):
            idle = self._free.get()
            self._free.put(None)
            if idle is not None:
                idle.end()

    @contextmanager
    def _borrowed(self) -> "Iterator[_Worker]":
        """A worker that nobody else uses; one at which an error passes is not used again."""
        worker = self._free.get()
        try:
            if worker is None or not worker.is_alive:
                worker = _Worker(self._memory)
            self._busy.add(worker)
            yield worker
        except BaseException:
            if worker is not None:
                self._busy.discard(worker)
                worker.end()
            self._free.put(None)
            raise
        self._busy.discard(worker)
        self._free.put(worker)


class _Worker:
    def __init__(self, memory: int | None) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, memory), daemon=True)
        with _REAPING:
            self._process.start()
        theirs.close()  # this side's: the pipe ends with the process

    @property
    def is_alive(self) -> bool:
        with _REAPING:
            return self._process.is_alive()

    def ask(self, call: tuple[Any, ...], seconds: float) -> tuple[Any, Exception | None]:
        try:
            self._pipe.send(call)
            self._receive(START_SECONDS)  # it begins
            answer: tuple[Any, Exception | None] = self._receive(seconds)
        except (EOFError, OSError):
            with _REAPING:
                self._process.join()
            raise ProcessEndedError(self._process.exitcode or 0) from None
        return answer

    def _receive(self, seconds: float) -> Any:
        if not self._pipe.poll(seconds):
            raise ProcessHungError
        return self._pipe.recv()

    def kill(self) -> None:
        """End the process, from any thread."""
        with _REAPING:
            self._process.kill()
            self._process.join()

    def end(self) -> None:
        """End the process and close its pipe: for the one thread that uses it."""
        self.kill()
        self._pipe.close()


def _serve(pipe: Connection, memory: int | None) -> None:
    """Answer calls until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this one
    prepare_worker()
    _bound_memory(memory)
    while True:
        try:
            function, args, kwargs = pipe.recv()
        except EOFError:
            return
        pipe.send(None)
        try:
            pipe.send((function(*args, **kwargs), None))
        except Exception as error:
            pipe.send((None, _portable(error)))


def _portable(error: Exception) -> Exception:
    """The error, or one with its text where it does not survive the way."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _bound_memory(memory: int | None) -> None:
    if memory is None:
        return
    try:
        import resource
    except ImportError:  # Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    bound = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
