"""A build on a Dask cluster: a real scheduler and real workers, each a process, on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from squares import Signflow, write_square_video

pytest.importorskip("distributed", reason="needs the extra signflow[dask]")


class Cluster:
    """A scheduler and two workers without a nanny: a killed worker stays dead."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        shared = ["--scheduler-file", str(self.file), "--no-dashboard"]
        host = ["--host", "127.0.0.1"]
        self.processes = [self._start("dask_scheduler", *shared, *host, "--port", "0")]
        for _ in range(2):
            options = ["--nthreads", "1", "--nworkers", "1", "--no-nanny"]
            place = ["--local-directory", str(folder)]
            self.processes.append(self._start("dask_worker", *shared, *host, *options, *place))
        self.workers = self.processes[1:]

    @staticmethod
    def _start(module: str, *words: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", f"distributed.cli.{module}", *words]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def address(self) -> str:
        """Of the scheduler, once all workers have come."""
        from distributed import Client

        wait_for(self.file.exists)
        address: str = json.loads(self.file.read_text())["address"]
        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=60)
        return address


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    yield cluster
    for process in cluster.processes:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six videos of 32 clips, each divided into three shards."""
    folder = tmp_path_factory.mktemp("many")
    rows = ["source,gloss,split,start,end"]
    for number, gloss in enumerate(["down", "left", "right"] * 2):
        write_square_video(folder / f"{number}.mp4", gloss=gloss, seed=number)
        rows += [f"{number}.mp4,{gloss},train,0.{clip:03d},0.8" for clip in range(32)]
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    return folder


WORDS = ("--protocol", "report", "--image-size", "96")


def wait_for(happened: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def contents(store: Path) -> dict[str, bytes]:
    files = [store / "clips.parquet", *store.glob("shards/*")]
    return {path.name: path.read_bytes() for path in files}


def test_a_cluster_builds_the_same_bytes_and_a_killed_worker_costs_only_time(
    table: Path, cluster: Cluster, tmp_path: Path, signflow: Signflow
):
    signflow("build", table, "--out", tmp_path / "here", *WORDS, "--workers", "0")
    words = ["build", table, "--out", tmp_path / "there", *WORDS, "--dask", cluster.address]
    command = [sys.executable, "-m", "signflow.cli.main", *map(str, words)]
    build = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    building = tmp_path / "there" / "building"
    wait_for(
        lambda: len(list(building.glob("*.at.json"))) == 2 and list(building.glob("*.parquet"))
    )

    os.kill(cluster.workers[0].pid, signal.SIGKILL)
    said, _ = build.communicate(timeout=240)

    assert build.returncode == 0, said.decode()
    assert b"192 of 192 clips built" in said
    assert len(contents(tmp_path / "here")) == 19
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


def test_an_address_where_no_scheduler_answers_is_said(
    table: Path, tmp_path: Path, monkeypatch, signflow: Signflow
):
    monkeypatch.setattr("signflow.cluster._SECONDS_TO_CONNECT", 1)

    done = signflow(
        "build", table, "--out", tmp_path / "x", "--dask", "tcp://127.0.0.1:9", check=False
    )

    assert done.returncode == 1
    assert "no Dask scheduler answers there" in done.stderr


def test_an_address_that_is_none_is_said(table: Path, tmp_path: Path, signflow: Signflow):
    done = signflow("build", table, "--out", tmp_path / "x", "--dask", "nowhere", check=False)

    assert done.returncode != 0
    assert "--dask nowhere" in done.stderr
    assert "Traceback" not in done.stderr
