"""Claims: one holder, whoever tries, and stale ones taken over by one."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

from signflow.sweep.claims import Holder, Timing, _this_machine, claimed, forget, held

TIMING = Timing(heartbeat_seconds=0.01, stale_seconds=60)


def leave(folder: Path, name: str, *, age: float = 0, **changes: object) -> Path:
    """A claim as a process leaves it that was killed `age` seconds ago, on another machine."""
    holder = Holder(host="other", machine="other", pid=1, epochs=0, attempt=1)
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(json.dumps({**asdict(holder), **changes}))
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_of_many_who_try_at_once_one_gets_the_run(tmp_path: Path):
    for place, stale in (("new", None), ("stale", "run.1"), ("stale twice", "run.7")):
        folder = tmp_path / place
        if stale:
            leave(folder, stale, age=100)
        winners = []
        start = threading.Barrier(12)
        end = threading.Barrier(12)

        def attempt(folder=folder, winners=winners, start=start, end=end) -> None:
            start.wait()
            with claimed(folder, "run", timing=TIMING) as claim:
                if claim is not None:
                    winners.append(claim)
                end.wait()

        threads = [threading.Thread(target=attempt) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(winners) == 1, place


def test_a_claim_is_let_go_when_the_block_is_left_however_it_is_left(tmp_path: Path):
    for error in (None, ValueError, KeyboardInterrupt):
        try:
            with claimed(tmp_path, "run", timing=TIMING) as claim:
                assert claim is not None
                assert held(tmp_path, "run", timing=TIMING)
                if error is not None:
                    raise error
        except (ValueError, KeyboardInterrupt):
            pass
        assert not held(tmp_path, "run", timing=TIMING)
        assert list(tmp_path.iterdir()) == []


def test_a_claim_of_another_machine_is_stale_when_it_was_not_touched_for_long(tmp_path: Path):
    leave(tmp_path, "fresh.1", age=30)
    leave(tmp_path, "old.1", age=100)

    with claimed(tmp_path, "fresh", timing=TIMING) as claim:
        assert claim is None
    with claimed(tmp_path, "old", timing=TIMING) as claim:
        assert claim is not None


def test_a_claim_of_a_process_of_this_machine_that_has_ended_is_stale_at_once(tmp_path: Path):
    leave(tmp_path, "dead.1", machine=_this_machine(), pid=dead_process())
    leave(tmp_path, "alive.1", machine=_this_machine(), pid=os.getpid())
    # The same number in another container is another process.
    leave(tmp_path, "elsewhere.1", machine="container", pid=dead_process())

    for name, free in (("dead", True), ("alive", False), ("elsewhere", False)):
        with claimed(tmp_path, name, timing=TIMING) as claim:
            assert (claim is not None) == free, name


def test_a_holder_touches_its_claim(tmp_path: Path):
    with claimed(tmp_path, "run", timing=TIMING):
        (path,) = tmp_path.iterdir()
        os.utime(path, (1, 1))
        deadline = time.monotonic() + 60
        while path.stat().st_mtime == 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_holder_that_slept_for_too_long_finds_that_it_has_lost_the_run(tmp_path: Path):
    asleep = Timing(heartbeat_seconds=1000, stale_seconds=60)
    with claimed(tmp_path, "run", timing=asleep) as first:
        assert first is not None
        path = tmp_path / "run.1"
        path.write_text(path.read_text().replace(_this_machine(), "other"))
        os.utime(path, (1, 1))
        assert not first.lost
        with claimed(tmp_path, "run", timing=asleep) as second:
            assert second is not None
            assert first.lost
            assert not second.lost


def test_attempts_count_while_a_run_gets_no_further(tmp_path: Path):
    attempts = []
    for number, epochs in enumerate([0, 0, 0, 2, 2, 1], start=1):
        with claimed(tmp_path, "run", timing=TIMING, epochs=epochs) as claim:
            assert claim is not None
            attempts.append(claim.attempt)
            content = (tmp_path / f"run.{number}").read_text()
        (tmp_path / f"run.{number}").write_text(
            json.dumps({**json.loads(content), "pid": dead_process()})
        )

    assert attempts == [1, 2, 3, 1, 2, 3]
    forget(tmp_path, "run")
    assert list(tmp_path.iterdir()) == []


def test_a_half_written_claim_is_held_until_it_is_old(tmp_path: Path):
    path = leave(tmp_path, "run.1")
    path.write_text("")

    with claimed(tmp_path, "run", timing=TIMING) as claim:
        assert claim is None
    os.utime(path, (1, 1))
    with claimed(tmp_path, "run", timing=TIMING) as claim:
        assert claim is not None


def test_runs_whose_names_begin_alike_do_not_share_a_claim(tmp_path: Path):
    with (
        claimed(tmp_path, "wd0", timing=TIMING) as one,
        claimed(tmp_path, "wd0.01", timing=TIMING) as other,
    ):
        assert one is not None
        assert other is not None
