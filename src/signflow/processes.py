"""Worker processes, and how much of the machine is ours."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

import cv2

T = TypeVar("T")


def available_cores() -> int:
    """Cores that this process may use: fewer than the machine has inside a container or Slurm."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def worker_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of worker processes, one core each, that do not outlive a killed parent.

    They are spawned, not forked: a fork of a process with threads (PyAV's, Arrow's, a progress
    bar's) may hang. What has not been started when the block is left by an exception is dropped.

    Args:
        workers: how many, 1 or more.
    """
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=prepare_worker
    )
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def prepare_worker() -> None:
    """Make a worker process one core wide, and end it with its parent."""
    cv2.setNumThreads(1)
    one_thread_for_products()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def one_thread_for_products() -> AbstractContextManager[object]:
    """Keep NumPy's products of matrices to one thread from now on, or while a `with` lasts.

    Small ones take many times as long where threads have to meet for them and a core is busy.
    """
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits


class ProcessEndedError(Exception):
    """A process ended before it had a result.

    Args:
        status: its exit status; the negative number of the signal that ended it.
    """

    def __init__(self, status: int) -> None:
        super().__init__(describe_status(status))
        self.status = status


def describe_status(status: int) -> str:
    """An exit status in words: "SIGSEGV", or "exit status 1".

    Example:
        >>> describe_status(-11)
        'SIGSEGV'
    """
    try:
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"
    except ValueError:
        return f"signal {-status}"


def run_alone(task: Callable[[], T]) -> T:
    """Run a task in a process of its own, which does not outlive a killed parent.

    Returns:
        What the task returns; it must survive pickling.

    Raises:
        ProcessEndedError: the process ended without a result. What the task raises is raised here.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(task, sender), daemon=True)
    process.start()
    sender.close()  # this side's: the pipe ends with the process
    try:
        result, error = receiver.recv()
    except (EOFError, OSError):
        process.join()
        raise ProcessEndedError(process.exitcode or 0) from None
    process.join()
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]  # what comes out of a pipe has no type


def _report(task: Callable[[], T], sender: Connection) -> None:
    prepare_worker()
    try:
        sender.send((task(), None))
    except Exception as error:
        sender.send((None, error))


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    """A parent that is killed cannot tell its workers; without this they would wait for ever."""
    parent.join()
    os._exit(1)
