"""Worker processes, and how much of the machine is ours."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import cv2


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
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
    )
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    """A parent that is killed cannot tell its workers; without this they would wait for ever."""
    parent.join()
    os._exit(1)
