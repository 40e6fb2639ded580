"""Builds: the same bytes every time, whoever interrupts them, and no clip lost without a reason."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from squares import Signflow, write_square_video

from signflow.annotations import read_clips
from signflow.errors import UserError
from signflow.store import ENCODINGS, Encoding, Recipe, Store, build_store
from signflow.store.rows import read_rows

RECIPE = Recipe(image_size=32)


def shard_bytes(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((store / "shards").iterdir())}


def test_the_store_holds_every_clip_with_its_facts(square_store: Path):
    store = Store.open(square_store)

    assert store.classes == ("down", "left", "right")
    assert len(store.rows) == 36
    assert all(row.built and row.reason == "" for row in store.rows)
    assert {(row.video_frames, row.fps, row.width, row.height) for row in store.rows} == {
        (20, 25.0, 96, 80)
    }
    assert sorted(path.name for path in square_store.iterdir()) == [
        "clips.parquet",
        "shards",
        "store.json",
    ]


@pytest.mark.parametrize(
    ("gloss", "axis", "sign"), [("right", 0, 1), ("left", 0, -1), ("down", 1, 1)]
)
def test_a_samples_flow_is_the_motion_of_its_gloss(
    square_store: Path, gloss: str, axis: int, sign: int
):
    store = Store.open(square_store)
    row = next(row for row in store.rows if row.clip.gloss == gloss)

    sample = store.sample(row.clip.clip_id)

    assert sample.frames.shape == (10, 32, 32, 3)
    assert sample.flow.shape == (9, 32, 32, 2)
    assert sample.label == store.classes.index(gloss)
    motion = sample.flow.astype(float) - 128
    strongest = motion[..., axis].ravel()[np.abs(motion[..., axis]).argmax()]
    assert np.sign(strongest) == sign
    assert np.abs(motion[..., axis]).sum() > 3 * np.abs(motion[..., 1 - axis]).sum()


def test_clips_of_one_video_are_the_stretches_they_say(square_store: Path, square_table: Path):
    store = Store.open(square_store)
    ids = ["videos/down1.mp4@0.000-0.800", "videos/down1.mp4@1.280-2.080"]

    first, second = (store.sample(clip_id) for clip_id in ids)

    # The same motion is shown twice, encoded anew.
    assert np.abs(first.frames.astype(int) - second.frames.astype(int)).mean() < 6


@pytest.fixture(scope="session")
def one_worker(
    square_store: Path, square_table: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Encoding], Path]:
    """The store of `square_table` in an encoding, built by one worker."""
    made = {"raw": square_store}

    def build(encoding: Encoding) -> Path:
        if encoding not in made:
            out = tmp_path_factory.mktemp("encodings") / encoding
            recipe = replace(RECIPE, encoding=encoding)
            build_store(read_clips(square_table), out=out, recipe=recipe, workers=0)
            made[encoding] = out
        return made[encoding]

    return build


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_number_of_workers_does_not_change_a_byte(
    encoding: Encoding,
    one_worker: Callable[[Encoding], Path],
    square_table: Path,
    tmp_path: Path,
):
    clips, one = read_clips(square_table), one_worker(encoding)
    recipe = replace(RECIPE, encoding=encoding)

    two = build_store(clips, out=tmp_path / "two", recipe=recipe, workers=2)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        own = build_store(clips, out=tmp_path / "own", recipe=recipe, executor=executor)

    assert len(shard_bytes(one)) > 1
    assert shard_bytes(two.store) == shard_bytes(own.store) == shard_bytes(one)
    parquet = (one / "clips.parquet").read_bytes()
    assert (two.store / "clips.parquet").read_bytes() == parquet


@pytest.mark.parametrize(
    ("moment", "encoding"),
    [
        *((moment, "raw") for moment in (0.6, 1.1, 2.2)),
        (1.6, "zstd"),
    ],
)
def test_a_killed_build_goes_on_to_the_same_bytes(
    moment: float,
    encoding: Encoding,
    one_worker: Callable[[Encoding], Path],
    square_table: Path,
    tmp_path: Path,
):
    out, one = tmp_path / "store", one_worker(encoding)
    words = ["build", square_table, "--out", out, "--protocol", "report", "--image-size", "32"]
    words += ["--workers", "2", "--encoding", encoding]
    command = [sys.executable, "-m", "signflow.cli.main", *map(str, words)]

    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    time.sleep(moment)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)

    assert shard_bytes(out) == shard_bytes(one)
    assert (out / "clips.parquet").read_bytes() == (one / "clips.parquet").read_bytes()


def test_workers_do_not_outlive_a_killed_build(square_table: Path, tmp_path: Path):
    words = ["build", square_table, "--out", tmp_path / "store", "--workers", "2"]
    command = [sys.executable, "-m", "signflow.cli.main", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(session_of(process.pid)) < 3:
        time.sleep(0.05)
    assert process.poll() is None, "the build ended before its workers were seen"

    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    while time.monotonic() < deadline and session_of(process.pid):
        time.sleep(0.05)
    assert session_of(process.pid) == []


def session_of(leader: int) -> list[int]:
    """Processes of a session, by /proc; a zombie is none."""
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            members.append(int(stat.parent.name))
    return members


def test_shards_that_are_done_are_not_built_again(square_table: Path, tmp_path: Path):
    clips = read_clips(square_table)
    whole = build_store(clips, out=tmp_path / "whole", recipe=RECIPE, workers=0)
    shutil.copytree(whole.store, tmp_path / "half")
    half = tmp_path / "half"
    (half / "store.json").unlink()
    rows = [row for row in read_rows(half / "clips.parquet") if row.shard == 0]
    (half / "building").mkdir()
    write_half(half, rows, fingerprint=json.loads((whole.store / "store.json").read_text()))
    first = half / "shards" / "00000.arrow"
    untouched = first.stat().st_mtime_ns

    again = build_store(clips, out=half, recipe=RECIPE, workers=0)

    assert again.done_before == len(rows)
    assert first.stat().st_mtime_ns == untouched
    assert shard_bytes(half) == shard_bytes(whole.store)


def test_a_shard_that_another_version_divided_otherwise_is_built_again(
    square_table: Path, tmp_path: Path
):
    clips = read_clips(square_table)
    whole = build_store(clips, out=tmp_path / "whole", recipe=RECIPE, workers=0)
    shutil.copytree(whole.store, tmp_path / "half")
    half = tmp_path / "half"
    (half / "store.json").unlink()
    rows = [row for row in read_rows(half / "clips.parquet") if row.shard in (0, 1)]
    (half / "building").mkdir()
    write_half(half, rows, fingerprint=json.loads((whole.store / "store.json").read_text()))

    again = build_store(clips, out=half, recipe=RECIPE, workers=0)

    assert again.done_before == 0
    assert again.rows == whole.rows
    assert shard_bytes(half) == shard_bytes(whole.store)


def write_half(half: Path, rows: list, *, fingerprint: dict) -> None:
    """Leave a build as it is when its second shard is not done yet."""
    from signflow.store.rows import write_rows

    write_rows(half / "building" / "00000.parquet", rows)
    marker = {"fingerprint": fingerprint["fingerprint"]}
    (half / "building" / "build.json").write_text(json.dumps(marker))
    (half / "shards" / "00001.arrow").unlink()
    (half / "shards" / ".00001.77.partial.arrow").write_bytes(b"half a shard")


def test_a_finished_build_has_nothing_left_to_do(square_table: Path, tmp_path: Path):
    clips = read_clips(square_table)
    first = build_store(clips, out=tmp_path / "store", recipe=RECIPE, workers=0)

    again = build_store(clips, out=tmp_path / "store", recipe=RECIPE, workers=0)

    assert again.done_before == 36
    assert again.rows == first.rows


def test_files_that_came_after_a_build_are_built_when_that_is_asked_for(
    tmp_path: Path, signflow: Signflow
):
    for name in ("a", "b"):
        write_square_video(tmp_path / f"{name}.mp4", gloss="down")
    rows = ["source,gloss,split", "a.mp4,down,train", "b.mp4,up,train"]
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    (tmp_path / "b.mp4").rename(tmp_path / "away.mp4")
    command = ("build", tmp_path, "--workers", "0", "--image-size", "16", "--out", tmp_path / "s")
    before = signflow(*command)
    (tmp_path / "away.mp4").rename(tmp_path / "b.mp4")

    said = signflow(*command)
    after = signflow(*command, "--overwrite")

    assert "file-missing" in before.stdout
    assert "there now" not in before.stdout
    assert "1 are there now: --overwrite" in said.stdout
    assert "1 of 2 clips built" in said.stdout
    assert "2 of 2 clips built" in after.stdout
    assert "before" not in after.stdout


def test_another_recipe_does_not_overwrite_a_store_unasked(square_table: Path, tmp_path: Path):
    clips = read_clips(square_table)
    out = tmp_path / "store"
    build_store(clips, out=out, recipe=RECIPE, workers=0)
    before = shard_bytes(out)

    held = rf"holds a store of another recipe \(image_size {RECIPE.image_size}, not 16\); give"
    with pytest.raises(UserError, match=held):
        build_store(clips, out=out, recipe=replace(RECIPE, image_size=16), workers=0)
    assert shard_bytes(out) == before

    build_store(clips, out=out, recipe=Recipe(image_size=16), workers=0, overwrite=True)
    assert Store.open(out).recipe.image_size == 16


def test_a_directory_of_something_else_is_left_alone(square_table: Path, tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("four years")

    with pytest.raises(UserError, match="is not empty and holds no store"):
        build_store(read_clips(square_table), out=tmp_path, recipe=RECIPE, overwrite=True)

    assert (tmp_path / "thesis.txt").read_text() == "four years"


def test_a_second_build_of_the_same_store_is_told_who_holds_it(square_table: Path, tmp_path: Path):
    from filelock import FileLock

    clips = read_clips(square_table)
    out = tmp_path / "store"
    (out / "building").mkdir(parents=True)
    (out / "building" / "holder.json").write_text('{"pid": 4711, "host": "here"}')
    (out / "building" / "build.json").write_text(
        json.dumps({"fingerprint": identity_of(clips, tmp_path)})
    )

    with (
        FileLock(out / "building" / "lock"),
        pytest.raises(UserError, match="process 4711 on here is building this store"),
    ):
        build_store(clips, out=out, recipe=RECIPE, workers=0)


def identity_of(clips, tmp_path: Path) -> str:
    done = build_store(clips, out=tmp_path / "other", recipe=RECIPE, workers=0)
    return Store.open(done.store).fingerprint
