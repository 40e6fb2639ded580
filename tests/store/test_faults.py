"""A bad clip never stops a build and is never silently dropped."""

import json
from pathlib import Path

import av
import pytest
from squares import Signflow, write_square_video

from signflow.store import Store
from signflow.store.rows import read_rows


def write_sound(path: Path) -> None:
    """An MP4 with sound and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate = 8000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def dirt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with good clips among one of every fault."""
    folder = tmp_path_factory.mktemp("dirt")
    good = write_square_video(folder / "good.mp4", gloss="down", clips=3)
    for name in ("other.mp4", "third.mp4"):
        write_square_video(folder / name, gloss="left")
    (folder / "text.mp4").write_text("not a video")
    (folder / "empty.mp4").touch()
    write_sound(folder / "sound.mp4")
    # With its index at the front, a file that was cut off still opens.
    front = write_square_video(
        folder / "front.mp4",
        gloss="left",
        frames=20,
        clips=4,
        container_options={"movflags": "faststart"},
    )
    front.write_bytes(front.read_bytes()[: front.stat().st_size // 2])
    (folder / "cut.mp4").write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    rows = [
        "source,gloss,split,start,end,box",
        "good.mp4,down,train,0,0.8,",
        "gone.mp4,down,train,,,",
        "text.mp4,down,train,,,",
        "empty.mp4,down,train,,,",
        "sound.mp4,down,train,,,",
        "cut.mp4,down,train,1.28,2.08,",
        "front.mp4,left,train,0,0.8,",
        "front.mp4,left,train,3.84,4.64,",
        "good.mp4,down,train,90,91,",
        "good.mp4,down,train,1,1,",
        "good.mp4,down,train,2,1,",
        "good.mp4,down,train,0,0.2,",
        "good.mp4,down,train,0,0.8,0.1 0.1 1.4 0.9",
        "other.mp4,left,val,,,",
        "third.mp4,left,test,,,0 0 1 1",
    ]
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def build(dirt: Path, signflow: Signflow) -> tuple[Path, str]:
    words = ("--protocol", "report", "--image-size", "16")
    done = signflow("build", dirt, "--out", dirt / "store", *words)
    return dirt / "store", done.stdout


def test_every_fault_is_recorded_with_its_own_reason(build: tuple[Path, str]):
    statuses = [row.status for row in Store.open(build[0]).rows]

    assert statuses == [
        "built",
        "file-missing",
        "unreadable",
        "unreadable",
        "no-video-stream",
        "unreadable",
        "built",
        "truncated",
        "span-past-end",
        "span-empty",
        "span-empty",
        "too-few-frames",
        "box-outside",
        "built",
        "built",
    ]


def test_the_reasons_name_the_file(build: tuple[Path, str]):
    for row in Store.open(build[0]).rows:
        if not row.built:
            assert Path(row.clip.source).name in row.reason


def test_the_summary_counts_every_reason(build: tuple[Path, str]):
    assert "3 x unreadable" in build[1]
    assert "2 x span-empty" in build[1]
    for code in ("file-missing", "no-video-stream", "truncated", "span-past-end", "too-few-frames"):
        assert f"1 x {code}" in build[1]
    assert "4 of 15 clips built" in build[1]


def test_when_nothing_can_be_built_the_status_is_1_and_the_reasons_are_kept(
    tmp_path: Path, signflow: Signflow
):
    (tmp_path / "clips.csv").write_text("source,gloss\ngone.mp4,x\nlost.mp4,y\n")

    done = signflow("build", tmp_path, "--out", tmp_path / "store", check=False)

    assert done.returncode == 1
    assert "not one of 2 clips could be built: 2 x file-missing" in done.stderr
    assert "Traceback" not in done.stderr
    rows = read_rows(tmp_path / "store" / "clips.parquet")
    assert [row.status for row in rows] == ["file-missing"] * 2


def test_clips_that_were_missing_are_built_when_the_same_command_finds_them(
    tmp_path: Path, signflow: Signflow
):
    (tmp_path / "clips.csv").write_text("source,gloss\ngone.mp4,x\nlost.mp4,y\n")
    words = ("build", tmp_path, "--out", tmp_path / "store", "--image-size", "16")
    signflow(*words, check=False)
    write_square_video(tmp_path / "gone.mp4", gloss="down")

    signflow(*words)

    rows = Store.open(tmp_path / "store").rows
    assert [row.status for row in rows] == ["built", "file-missing"]


def test_a_store_of_another_schema_is_refused_by_version(tmp_path: Path, signflow: Signflow):
    (tmp_path / "store.json").write_text(json.dumps({"schema_version": 99}))

    done = signflow("train", tmp_path, "--out", tmp_path / "run", check=False)

    assert done.returncode == 2
    assert "schema_version is 99; this signflow reads 1" in done.stderr
    assert "Traceback" not in done.stderr
