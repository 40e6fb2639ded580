"""What one process compiled the next one loads, as long as it is of the same sources."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from signflow import compiled

pytest.importorskip("numba")

KERNEL = """
from helper import times_seven

def work(numbers):
    for at in range(len(numbers)):
        numbers[at] = times_seven(numbers[at])
"""

HELPER = """
from signflow.compiled.lanes import part

@part
def times_seven(number):
    return 7 * number
"""

PROGRAM = """
from pathlib import Path

import numpy as np
from numba import types

from kernel import work
from signflow.compiled import compile_kernel

compiled = compile_kernel(
    work, takes=[types.float32[::1]], sources=[Path("kernel.py"), Path("helper.py")]
)
numbers = np.ones(20, np.float32)
compiled(numbers)
assert (numbers == 7).all()
print(sum(compiled.stats.cache_hits.values()))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("kernel", KERNEL), ("helper", HELPER), ("program", PROGRAM)):
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def hits_of_a_new_process(folder: Path, *, cache: Path) -> int:
    """How many functions a process took from the cache."""
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=folder,
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def test_a_kernel_is_compiled_once(folder: Path, tmp_path: Path):
    assert hits_of_a_new_process(folder, cache=tmp_path / "cache") == 0
    assert hits_of_a_new_process(folder, cache=tmp_path / "cache") == 1


def test_a_kernel_of_other_sources_is_not_loaded(folder: Path, tmp_path: Path):
    hits_of_a_new_process(folder, cache=tmp_path / "cache")

    with (folder / "helper.py").open("a") as file:
        file.write("# a change in what the kernel calls, not in its own file\n")

    assert hits_of_a_new_process(folder, cache=tmp_path / "cache") == 0


def test_nor_is_one_of_other_lanes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def kernel() -> None:
        pass

    compiled.compile_kernel(kernel, takes=(), sources=())
    before = kernel.__qualname__
    (tmp_path / "lanes.py").write_text("others")
    monkeypatch.setattr(compiled, "_OURS", [tmp_path / "lanes.py"])
    compiled.compile_kernel(kernel, takes=(), sources=())

    assert kernel.__qualname__ != before


def test_a_cache_that_cannot_be_written_is_no_hindrance(folder: Path, tmp_path: Path):
    (tmp_path / "file").touch()

    # numba then looks for a place beside the sources and in the home directory.
    assert hits_of_a_new_process(folder, cache=tmp_path / "file" / "cache") == 0
