"""A clip may be a folder of numbered images, in every kind of source."""

import json
from pathlib import Path

import av
import cv2
import pyarrow.parquet as pq
import pytest
from squares import Signflow, write_square_video

from signflow.annotations import ReadOptions, read_clips
from signflow.errors import UserError
from signflow.store import Recipe, build_store
from signflow.store.rows import read_rows


def write_images(folder: Path, *, gloss: str, seed: int = 0, frames: int = 12) -> Path:
    """The frames of a small video as 1.png, 2.png ..."""
    folder.mkdir(parents=True)
    video = write_square_video(folder / "made.mp4", gloss=gloss, seed=seed, frames=frames)
    with av.open(str(video)) as container:
        for number, frame in enumerate(container.decode(video=0), start=1):
            picture = frame.to_ndarray(format="bgr24")
            cv2.imwrite(str(folder / f"{number}.png"), picture)
    video.unlink()
    return folder


def write_image_set(root: Path) -> Path:
    for split, seed in (("train", 0), ("val", 1), ("test", 2)):
        for gloss in ("down", "left"):
            write_images(root / split / gloss / f"clip{seed}", gloss=gloss, seed=seed)
    write_square_video(root / "train" / "left" / "v.mp4", gloss="left", seed=3)
    (root / "train" / "left" / "notes").mkdir()
    (root / "train" / "left" / ".cache").mkdir()
    return root


def test_a_folder_source_holds_videos_and_folders_of_images_side_by_side(tmp_path: Path) -> None:
    clips = read_clips(write_image_set(tmp_path / "set"), options=ReadOptions(frame_rate=12))
    assert {clip.clip_id: clip.frame_rate for clip in clips.clips} == {
        "train/down/clip0": 12,
        "train/left/clip0": 12,
        "train/left/v.mp4": None,
        "val/down/clip1": 12,
        "val/left/clip1": 12,
        "test/down/clip2": 12,
        "test/left/clip2": 12,
    }


def test_image_folders_are_built_at_the_frame_rate_that_was_given(
    tmp_path: Path, signflow: Signflow
) -> None:
    source = write_image_set(tmp_path / "set")
    options = ["--image-size", "32", "--workers", "0", "--frame-rate", "12"]
    signflow("build", source, "--out", tmp_path / "store", *options)
    rows = pq.read_table(tmp_path / "store" / "clips.parquet").to_pylist()
    assert {row["status"] for row in rows} == {"built"}
    seen = {row["clip_id"]: (row["fps"], row["width"], row["height"]) for row in rows}
    assert seen.pop("train/left/v.mp4") == (25, 96, 80)
    assert set(seen.values()) == {(12, 96, 80)}
    assert len(seen) == 6


def test_a_row_of_a_table_may_name_a_stretch_of_a_folder(tmp_path: Path) -> None:
    write_images(tmp_path / "day1", gloss="down", frames=24)
    (tmp_path / "clips.csv").write_text(
        "source,gloss,split,start,end\n"
        "day1,down,train,0,1\n"
        "day1,left,val,1.0,2.0\n"
        "day1,left,test,2,3.5\n"
        "gone,left,train,,\n"
    )
    clips = read_clips(tmp_path, options=ReadOptions(frame_rate=12))

    summary = build_store(clips, out=tmp_path / "store", recipe=Recipe(image_size=16), workers=0)

    assert [row.status for row in summary.rows] == [
        "built",
        "built",
        "span-past-end",
        "file-missing",
    ]
    assert [row.video_frames for row in summary.rows[:2]] == [12, 12]
    assert summary.rows[0].clip.frame_rate == 12


def test_msasl_takes_a_folder_of_images_in_place_of_a_video(tmp_path: Path) -> None:
    url = "https://www.youtube.com/watch?v=abcdefghij"
    entries = [
        {"url": url + letter, "label": 0, "start_time": 0.0, "end_time": 1.0, "signer_id": 0}
        for letter in "kl"
    ]
    (tmp_path / "MSASL_train.json").write_text(json.dumps(entries))
    (tmp_path / "MSASL_classes.json").write_text('["hello"]')
    write_images(tmp_path / "videos" / "abcdefghijk", gloss="down")
    write_images(tmp_path / "videos" / "abcdefghijl", gloss="down")
    write_square_video(tmp_path / "videos" / "abcdefghijl.mkv", gloss="down")

    options = ReadOptions(videos=tmp_path / "videos", frame_rate=12)
    first, second = read_clips(tmp_path, options=options).clips

    assert (Path(first.source).name, first.frame_rate) == ("abcdefghijk", 12)
    assert (Path(second.source).name, second.frame_rate) == ("abcdefghijl.mkv", None)


def test_images_right_inside_a_gloss_are_no_clip(tmp_path: Path) -> None:
    write_images(tmp_path / "down", gloss="down")
    with pytest.raises(UserError, match=r"GLOSS/CLIP/ with numbered .jpg or .png images"):
        read_clips(tmp_path)


@pytest.mark.parametrize("rate", ["0", "-25", "nan", "inf"])
def test_a_frame_rate_that_is_none_is_refused(
    tmp_path: Path, signflow: Signflow, rate: str
) -> None:
    done = signflow("build", tmp_path, "--out", tmp_path / "s", "--frame-rate", rate, check=False)
    assert done.returncode == 2
    assert "--frame-rate" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_from_before_frame_rates_can_still_be_read(tmp_path: Path) -> None:
    write_images(tmp_path / "set" / "down" / "c", gloss="down")
    clips = read_clips(tmp_path / "set", options=ReadOptions(shares=(1, 0, 0)))
    summary = build_store(clips, out=tmp_path / "store", recipe=Recipe(image_size=16), workers=0)
    table = pq.read_table(tmp_path / "store" / "clips.parquet").drop_columns(["frame_rate"])
    pq.write_table(table, tmp_path / "old.parquet")

    assert read_rows(tmp_path / "old.parquet") == list(summary.rows)
    assert summary.rows[0].fps == 25
