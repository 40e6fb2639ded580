"""All of a work is done once, whoever does it."""

import os
import subprocess
import sys
import threading

import pytest
import torch  # whose threads they are

from signflow.compiled import threads as shared
from signflow.compiled.threads import share_out

HAS_OPENMP = shared._find_openmp() is not None


@pytest.fixture(params=["openmp", "threads of our own"], autouse=True)
def with_and_without_openmp(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if request.param == "openmp" and not HAS_OPENMP:
        pytest.skip("PyTorch does not compute with OpenMP here")
    if request.param != "openmp":
        monkeypatch.setattr(shared, "_find_openmp", lambda: None)


def parts_of(count: int, *, threads: int, multiple: int = 1) -> list[tuple[int, int]]:
    done: list[tuple[int, int]] = []
    share_out(lambda *part: done.append(part), count, threads=threads, multiple=multiple)
    return sorted(done)


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize(("count", "multiple"), [(1, 1), (5, 1), (1000, 1), (96, 16), (100, 16)])
def test_all_is_done_once(count: int, multiple: int, threads: int):
    parts = parts_of(count, threads=threads, multiple=multiple)

    assert [begin for begin, _ in parts] == [0, *(end for _, end in parts[:-1])]
    assert parts[-1][1] == count
    assert len(parts) <= threads
    assert all((end - begin) % multiple == 0 for begin, end in parts[:-1])


def test_several_threads_are_at_it_at_once():
    both_are_here = threading.Barrier(2, timeout=20)

    share_out(lambda *_: both_are_here.wait() and None, 2, threads=2)


def test_what_is_raised_is_raised():
    def work(begin: int, _: int) -> None:
        if begin:
            raise ValueError(f"the part from {begin}")

    with pytest.raises(ValueError, match="the part from 5"):
        share_out(work, 10, threads=2)
    assert parts_of(10, threads=2) == [(0, 5), (5, 10)]


def test_threads_may_share_out_their_own_work():
    done: list[list[tuple[int, int]]] = []
    several = [
        threading.Thread(target=lambda: done.append(parts_of(9, threads=3))) for _ in range(4)
    ]
    for each in several:
        each.start()
    for each in several:
        each.join()

    assert done == [[(0, 3), (3, 6), (6, 9)]] * 4


@pytest.mark.skipif(not HAS_OPENMP, reason="PyTorch does not compute with OpenMP here")
def test_it_is_done_where_there_are_fewer_threads_than_asked_for():
    program = """
import torch
from signflow.compiled import threads

done = []
assert threads._find_openmp() is not None
threads.share_out(lambda *part: done.append(part), 10, threads=5)
assert sorted(done) == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)], done
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"OMP_THREAD_LIMIT": "2"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_pytorch_computes_on_afterwards():
    pictures = torch.ones(8, 3, 64, 64)
    before = torch.nn.functional.avg_pool2d(pictures, 2).sum()
    parts_of(4, threads=4)

    assert torch.equal(torch.nn.functional.avg_pool2d(pictures, 2).sum(), before)
