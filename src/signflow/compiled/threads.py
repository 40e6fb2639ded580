"""Work of a kernel, shared out to the threads that PyTorch computes with.

When PyTorch's threads have done their part of something, they look out for the next for some
milliseconds, and threads of our own would have to share the processor with them: a kernel of ten
milliseconds took no less with two threads than with one. They belong to OpenMP, and a parallel loop
is, to its library, the function `GOMP_parallel` (GCC's libgomp; LLVM's and Intel's have it, too).
"""

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

_BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _OpenMP(NamedTuple):
    in_parallel: Callable[..., None]
    """Calls a function in every thread of a team, and returns when all have done so."""
    number: Callable[[], int]
    """Which of the team the calling thread is."""
    team_size: Callable[[], int]


def share_out(
    work: Callable[[int, int], None], count: int, *, threads: int, multiple: int = 1
) -> None:
    """Let threads do parts of a work that a kernel does, which doesn't hold Python's lock.

    They are PyTorch's where it has been imported and computes with OpenMP, else new ones.

    Args:
        work: does what is from its first number on and before its second.
        count: of all there is to do.
        threads: how many do it, at most.
        multiple: what each part but the last is a multiple of.

    Raises:
        Exception: what `work` raised; other parts may have been done.
    """
    share = -(-count // (threads * multiple)) * multiple
    begins = range(0, count, share)
    if len(begins) <= 1:
        work(0, count)
    elif openmp := _find_openmp():
        _in_team(openmp, threads, lambda begin: work(begin, min(begin + share, count)), begins)
    else:
        with ThreadPoolExecutor(len(begins)) as pool:
            parts = [pool.submit(work, begin, min(begin + share, count)) for begin in begins]
        for part in parts:
            part.result()


def _in_team(openmp: _OpenMP, threads: int, do: Callable[[int], None], begins: range) -> None:
    raised: list[BaseException] = []

    def body(_: int | None) -> None:
        try:
            # There may be fewer threads than were asked for.
            for begin in begins[openmp.number() :: openmp.team_size()]:
                do(begin)
        except BaseException as error:  # which cannot pass through the library
            raised.append(error)

    # Some may get nothing to do; a team of another size would first have to be put together.
    openmp.in_parallel(_BODY(body), None, threads, 0)
    if raised:
        raise raised[0]


def _find_openmp() -> _OpenMP | None:
    try:
        process = ctypes.CDLL(None)  # what is loaded for all to see, as PyTorch's library is
        in_parallel = process.GOMP_parallel
        number, team_size = process.omp_get_thread_num, process.omp_get_num_threads
    except (OSError, TypeError, AttributeError):  # there is none, or this is Windows
        return None
    in_parallel.argtypes = [_BODY, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
    in_parallel.restype = None
    return _OpenMP(in_parallel, number, team_size)
