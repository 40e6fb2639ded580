"""A decoder that crashes, hangs or fails costs its own clip, and a full disk costs nothing.

FFmpeg is broken on purpose: a `sitecustomize` module, which every Python process imports as it
starts, makes certain files and moments end the process that decodes them.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from squares import write_square_video

from signflow.store import Recipe, Store, work
from signflow.store.plan import ShardPlan
from signflow.store.rows import read_rows
from signflow.video import FlowMethod, compute_flow

BROKEN_FFMPEG = """
import os, signal, sys, time
if "spawn_main" in " ".join(sys.orig_argv) or "signflow.cli.main" in sys.orig_argv:
    import av
    from signflow.video import container

    opened, view = av.open, container.OpenVideo.to_rgb

    def open_broken(path, *args, **words):
        name = str(path).rpartition("/")[2]
        if name.startswith("crashes"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if name.startswith("hangs"):
            time.sleep(10_000)
        if name.startswith("killed"):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("raises"):
            raise RuntimeError("FFmpeg did what\\nnobody foresaw")
        return opened(path, *args, **words)

    def crash_at_one_second(video, frame, *, size):
        name = video.path.name
        if name.startswith("late") and 1.0 < frame.time < 2.5:
            os.kill(os.getpid(), signal.SIGSEGV)
        return view(video, frame, size=size)

    av.open = open_broken
    container.OpenVideo.to_rgb = crash_at_one_second
"""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good clips among those that end or break their process."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "sitecustomize.py").write_text(BROKEN_FFMPEG)
    good = write_square_video(folder / "good.mp4", gloss="down", clips=2)
    for name in ("good2", "good3", "crashes", "hangs", "killed", "raises"):
        (folder / f"{name}.mp4").write_bytes(good.read_bytes())
    write_square_video(folder / "late.mp4", gloss="left", clips=3)
    rows = [
        "source,gloss,split,start,end",
        *many_of("good.mp4"),
        "crashes.mp4,down,train,0,0.8",
        "crashes.mp4,down,train,1.28,2.08",
        "late.mp4,left,train,0,0.8",
        "late.mp4,left,train,1.28,2.08",
        "late.mp4,left,train,2.56,3.36",
        *many_of("good2.mp4"),
        "hangs.mp4,down,val,,0.8",
        "raises.mp4,down,train,,0.8",
        "raises.mp4,down,train,1.28,2.08",
        "killed.mp4,down,train,,0.8",
        *many_of("good3.mp4"),
    ]
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    return folder


def many_of(name: str) -> list[str]:
    """So many clips of one video that they fill shards of their own."""
    return [f"{name},down,{'val' if i % 2 else 'train'},0.{i:02d},0.8" for i in range(32)]


STATUSES = [
    *["built"] * 32,
    *["decoder-died", "decoder-died", "built", "decoder-died", "built"],
    *["built"] * 32,
    *["decoder-hung", "decoder-failed", "decoder-failed", "decoder-died"],
    *["built"] * 32,
]


def build(source: Path, out: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "signflow.cli.main", "build", str(source), "--out", str(out)]
    command += ["--protocol", "report", "--image-size", "16", "--patience", "20", *words]
    paths = [str(source), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)


def test_what_ends_a_worker_costs_its_own_clips_whoever_builds(broken: Path, tmp_path: Path):
    two, one = tmp_path / "two", tmp_path / "one"

    done = build(broken, two, "--workers", "2")

    assert done.returncode == 0, done.stderr
    assert "98 of 105 clips built" in done.stdout
    assert "Traceback" not in done.stderr
    assert {path.name for path in two.iterdir()} == {"clips.parquet", "shards", "store.json"}
    assert [path.name for path in two.glob("shards/*") if path.name.startswith(".")] == []
    rows = Store.open(two).rows
    assert [row.status for row in rows] == STATUSES
    check_reasons({Path(row.clip.source).stem: row.reason for row in rows})

    crashed = build(broken, one, "--workers", "0")
    assert crashed.returncode == -11  # in this process, that is what a crash is
    assert build(broken, one, "--workers", "1").returncode == 0
    assert len(contents(two)) > 3
    assert contents(one) == contents(two)


def test_no_decoder_is_blamed_for_the_flow_that_is_compiled_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    happened = []

    @contextmanager
    def watch(seconds: float, *, evidence: Path) -> Iterator[None]:
        happened.append("watched")
        yield

    def compute(frames: np.ndarray, *, method: FlowMethod) -> np.ndarray:
        happened.append("computed")
        return compute_flow(frames, method=method)

    monkeypatch.setattr(work, "end_when_silent", watch)
    monkeypatch.setattr(work, "compute_flow", compute)
    work._bring_in_flow.cache_clear()

    for number in range(2):
        plan = ShardPlan(number=number, sources=())
        (tmp_path / "shards").mkdir(exist_ok=True)
        work.build_shard_watched(plan, recipe=Recipe(), store=tmp_path, patience=1.0)

    assert happened == ["computed", "watched", "watched"]


def check_reasons(reasons: dict[str, str]) -> None:
    assert "died of SIGSEGV" in reasons["crashes"]
    assert "nothing came out of it for 20 s" in reasons["hangs"]
    assert "RuntimeError: FFmpeg did what nobody foresaw" in reasons["raises"]
    assert "was killed 3 times" in reasons["killed"]
    for name, reason in reasons.items():
        assert reason == "" or f"{name}.mp4" in reason


def contents(store: Path) -> dict[str, bytes]:
    files = [store / "clips.parquet", *store.glob("shards/*")]
    return {path.name: path.read_bytes() for path in files}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system on which some shards of the squares fit, but not all."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1700k", "none", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("may not mount a small file system here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_full_disk_is_said_and_the_build_goes_on_when_there_is_space(
    workers: str, square_table: Path, small_disk: Path
):
    out = small_disk / "store"
    words = ("--image-size", "32", "--workers", workers)

    full = build(square_table, out, *words)

    assert full.returncode == 1
    assert "no space is left on its disk" in full.stderr
    assert "Traceback" not in full.stderr
    assert not (out / "store.json").exists()
    assert not list(out.glob("shards/.*"))
    # A shard is done when its rows are there, for which there may have been no space.
    done = [out / "shards" / f"{rows.stem}.arrow" for rows in out.glob("building/*.parquet")]
    kept = {path: path.stat().st_mtime_ns for path in done if path.exists()}
    assert kept

    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    again = build(square_table, out, *words)

    assert again.returncode == 0, again.stderr
    assert all(row.built for row in read_rows(out / "clips.parquet"))
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
