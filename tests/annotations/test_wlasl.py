"""WLASL's annotations become clips."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from squares import Signflow, write_square_video

from signflow.annotations import Clip, ClipList, ReadOptions, read_clips
from signflow.annotations.wlasl import is_wlasl, wlasl_addresses
from signflow.errors import UserError
from signflow.video import DecodedSpan, Span, decode_spans

REAL = Path(__file__).parents[3] / "shared" / "data" / "wlasl"
YOUTUBE = "https://www.youtube.com/watch?v=abcdefghijk"


def instance(video_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "bbox": [0, 0, 360, 240],
        "fps": 25,
        "frame_start": 1,
        "frame_end": -1,
        "instance_id": 0,
        "signer_id": 9,
        "source": "asl5200",
        "split": "train",
        "url": YOUTUBE,
        "variation_id": 0,
        "video_id": video_id,
        **changes,
    }


def write_wlasl(folder: Path, **glosses: Any) -> ReadOptions:
    entries = [{"gloss": gloss, "instances": found} for gloss, found in glosses.items()]
    (folder / "WLASL_v0.3.json").write_text(json.dumps(entries))
    (folder / "videos").mkdir()
    return ReadOptions(videos=folder / "videos")


def write_split_file(folder: Path, name: str, **videos: tuple[str, list[int]]) -> None:
    entries = {key: {"subset": split, "action": action} for key, (split, action) in videos.items()}
    (folder / f"{name}.json").write_text(json.dumps(entries))


def by_id(clips: ClipList) -> dict[str, Clip]:
    return {clip.clip_id: clip for clip in clips.clips}


def test_a_class_has_its_position_in_the_file_as_number(tmp_path: Path) -> None:
    options = write_wlasl(
        tmp_path,
        zebra=[instance("00002", split="val"), instance("00001", split="test", signer_id=-1)],
        book=[instance("00003")],
    )

    clips = read_clips(tmp_path, options=options)

    assert clips.classes == ("zebra", "book")
    assert [(c.clip_id, c.label, c.gloss, c.split, c.signer) for c in clips.clips] == [
        ("00002", 0, "zebra", "val", "9"),
        ("00001", 0, "zebra", "test", None),
        ("00003", 1, "book", "train", "9"),
    ]
    assert read_clips(tmp_path / "WLASL_v0.3.json", options=options) == clips


def test_frames_are_numbered_from_one_at_25_a_second_with_the_last_one_included(
    tmp_path: Path,
) -> None:
    options = write_wlasl(
        tmp_path,
        book=[
            instance("1", frame_start=26, frame_end=50),
            instance("2", frame_start=26, frame_end=-1),
            instance("3", frame_start=1, frame_end=1),
        ],
    )
    spans = [(clip.start, clip.end) for clip in read_clips(tmp_path, options=options).clips]
    assert spans == [(1.0, 2.0), (1.0, None), (None, 0.04)]


def test_a_stretch_of_a_youtube_video_is_the_one_that_wlasl_cuts_out(tmp_path: Path) -> None:
    options = write_wlasl(tmp_path, book=[instance("00001", frame_start=24, frame_end=41)])
    video = write_square_video(tmp_path / "videos" / "abcdefghijk.mp4", gloss="down", clips=2)
    ((_, whole),) = decode_spans(video, spans=[Span()], count=64, size=None)

    (clip,) = read_clips(tmp_path, options=options).clips
    ((_, cut),) = decode_spans(clip.source, spans=[Span(clip.start, clip.end)], count=18, size=None)

    # WLASL's preprocess.py keeps frames[frame_start - 1 : frame_end - 1 + 1].
    assert isinstance(whole, DecodedSpan)
    assert isinstance(cut, DecodedSpan)
    assert (whole.n_frames, cut.n_frames) == (64, 18)
    np.testing.assert_array_equal(cut.frames, whole.frames[23:41])
    np.testing.assert_allclose(cut.times, np.arange(23, 41) / 25, atol=1e-6)


def test_a_file_named_by_video_id_holds_the_instance_alone(tmp_path: Path) -> None:
    options = write_wlasl(
        tmp_path,
        book=[
            instance("00001", frame_start=100, frame_end=150),
            instance("00002", frame_start=200, frame_end=250),
            instance("00003", url="http://signs.example.org/book.mp4", frame_end=80),
        ],
    )
    for name in ("00001.mkv", "abcdefghijk.mp4"):
        (tmp_path / "videos" / name).touch()

    clips = by_id(read_clips(tmp_path, options=options))

    places = {i: (Path(c.source).name, c.start, c.end) for i, c in clips.items()}
    assert places == {
        "00001": ("00001.mkv", None, None),
        "00002": ("abcdefghijk.mp4", 199 / 25, 10.0),
        "00003": ("00003.mp4", None, None),
    }


def test_the_only_split_file_decides_which_videos_splits_and_numbers_there_are(
    tmp_path: Path,
) -> None:
    options = write_wlasl(
        tmp_path, book=[instance("00002")], drink=[instance("00003")], go=[instance("00004")]
    )
    write_split_file(
        tmp_path,
        "nslt_2",
        **{
            "00003": ("val", [1, 1, 40]),
            "00002": ("test", [0, 1, 9]),
            "00001": ("train", [1, 1, 5]),
        },
    )

    clips = read_clips(tmp_path, options=options)

    assert clips.classes == ("book", "drink")
    assert [(c.clip_id, c.label, c.gloss, c.split, c.signer) for c in clips.clips] == [
        ("00001", 1, "drink", "train", None),
        ("00002", 0, "book", "test", "9"),
        ("00003", 1, "drink", "val", "9"),
    ]


def test_among_several_split_files_one_must_be_named(tmp_path: Path) -> None:
    options = write_wlasl(tmp_path, book=[instance("00001")], drink=[instance("00002")])
    write_split_file(tmp_path, "nslt_1", **{"00001": ("train", [0, 1, 40])})
    write_split_file(tmp_path, "nslt_2", **{"00002": ("train", [1, 1, 40])})

    def ids(subset: str | None) -> list[str]:
        chosen = ReadOptions(videos=options.videos, subset=subset)
        return [clip.clip_id for clip in read_clips(tmp_path, options=chosen).clips]

    assert (ids("nslt_1"), ids("nslt_2"), ids("all")) == (["00001"], ["00002"], ["00001", "00002"])
    with pytest.raises(
        UserError, match=r"several split files; give --subset nslt_1, nslt_2 or all"
    ):
        ids(None)
    with pytest.raises(UserError, match=r"--subset nslt_3: no .*; one of nslt_1, nslt_2, all"):
        ids("nslt_3")


def test_instances_that_share_a_video_id_stay_two_clips(tmp_path: Path) -> None:
    options = write_wlasl(tmp_path, book=[instance("00001")], read=[instance("00001")])
    assert [c.clip_id for c in read_clips(tmp_path, options=options).clips] == ["00001", "00001#2"]


def test_addresses_are_by_the_file_names_that_the_reader_looks_for(tmp_path: Path) -> None:
    plain = "http://signs.example.org/book.mp4"
    options = write_wlasl(
        tmp_path, book=[instance("00001"), instance("00002", url=plain)], go=[instance("00003")]
    )
    addresses = wlasl_addresses(tmp_path)
    assert addresses == {"abcdefghijk": YOUTUBE, "00002": plain}
    sources = {Path(clip.source).stem for clip in read_clips(tmp_path, options=options).clips}
    assert sources == set(addresses)


@pytest.mark.parametrize(
    ("book", "message"),
    [
        ({}, r"expected an object with a gloss and a list of instances"),
        (["hello"], r"entry 0 \('book'\), instance 0: is 'hello'"),
        ([instance("1"), instance("2", url=None)], r"instance 1: url is None"),
        ([instance("../../etc/passwd")], r"video_id is '../../etc/passwd'"),
        ([instance("")], r"video_id is ''"),
        ([instance("1", frame_start=0)], r"frame_start is 0; expected a whole number from 1"),
        ([instance("1", frame_start="1")], r"frame_start is '1'"),
        ([instance("1", frame_end=0)], r"frame_end is 0; frames count from 1"),
        ([instance("1", frame_end=-2)], r"frame_end is -2"),
        ([instance("1", split="dev")], r"its split is 'dev'; expected one of train, val, test"),
        ([], r"has no instance with a label below 1"),
    ],
)
def test_malformed_wlasl_is_refused_by_file_entry_and_value(
    tmp_path: Path, book: Any, message: str
) -> None:
    options = write_wlasl(tmp_path, book=book)
    with pytest.raises(UserError, match=message) as raised:
        read_clips(tmp_path, options=options)
    assert str(tmp_path / "WLASL_v0.3.json") in str(raised.value)


@pytest.mark.parametrize(
    ("action", "split", "message"),
    [
        ([1, 1, 40], "train", r"action is \[1, 1, 40\]; expected .* label from 0 to 0"),
        ([], "train", r"action is \[\]"),
        (["book"], "train", r"action is \['book'\]"),
        ([0, 1, 40], "dev", r"its split is 'dev'"),
    ],
)
def test_a_malformed_split_file_is_refused_by_video_and_value(
    tmp_path: Path, action: Any, split: str, message: str
) -> None:
    options = write_wlasl(tmp_path, book=[instance("00001")])
    write_split_file(tmp_path, "nslt_1", **{"00001": (split, action)})
    with pytest.raises(UserError, match=rf"nslt_1.json, entry '00001': {message}"):
        read_clips(tmp_path, options=options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"videos": None}, r"WLASL annotations need --videos DIR, where DIR/<video id>.mp4"),
        ({"classes": 2}, r"--classes 2: must be 1 to 1"),
        ({"group_by": "x"}, r"WLASL brings its own"),
    ],
)
def test_options_that_do_not_go_with_wlasl_are_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    chosen = write_wlasl(tmp_path, book=[instance("00001")])
    with pytest.raises(UserError, match=message):
        read_clips(tmp_path, options=ReadOptions(**{"videos": chosen.videos, **options}))


def test_wlasl_is_built_by_the_command_line_with_every_clip_accounted_for(
    tmp_path: Path, signflow: Signflow
) -> None:
    options = write_wlasl(
        tmp_path,
        down=[instance("1", frame_start=1, frame_end=20), instance("2", frame_start=90)],
        left=[instance("3"), instance("4", url="http://x.org/4.mp4", split="test")],
    )
    assert options.videos is not None
    write_square_video(options.videos / "abcdefghijk.mp4", gloss="down", clips=2)
    write_square_video(options.videos / "3.mp4", gloss="left")
    write_split_file(
        tmp_path, "nslt_2", **{str(i): ("train", [i // 3, 1, 20]) for i in range(1, 5)}
    )
    out = tmp_path / "store"
    words = ["--subset", "nslt_2", "--image-size", "16", "--workers", "0"]
    signflow("build", tmp_path, "--videos", options.videos, "--out", out, *words)
    rows = {row["clip_id"]: row for row in pq.read_table(out / "clips.parquet").to_pylist()}
    assert {name: row["status"] for name, row in rows.items()} == {
        "1": "built",
        "2": "span-past-end",
        "3": "built",
        "4": "file-missing",
    }
    assert [rows[name]["video_frames"] for name in ("1", "3")] == [20, 20]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real WLASL files are not on this machine")
def test_the_real_file_gives_a_class_for_each_of_its_2000_glosses(tmp_path: Path) -> None:
    options = ReadOptions(videos=tmp_path, subset="all")
    clips = read_clips(REAL, options=options)

    assert is_wlasl(REAL)
    assert len(clips.clips) == len(clips.classes) == len(set(clips.classes)) == 2000
    assert clips.classes[:3] == ("book", "drink", "computer")
    assert [clip.label for clip in clips.clips] == list(range(2000))
    assert {s: sum(c.split == s for c in clips.clips) for s in ("train", "val", "test")} == {
        "train": 764,
        "val": 505,
        "test": 731,
    }
    computer = clips.clips[2]
    assert Path(computer.source).name == "PPmQd2zWdP0.mp4"
    assert (computer.start, computer.end, computer.signer) == (5121 / 25, 5181 / 25, "9")
    assert all(clip.end is None or clip.end > (clip.start or 0) for clip in clips.clips)
    assert all(clip.box is None for clip in clips.clips)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real WLASL files are not on this machine")
def test_the_real_split_file_agrees_with_the_main_file_on_numbers_and_splits(
    tmp_path: Path,
) -> None:
    of_all = by_id(read_clips(REAL, options=ReadOptions(videos=tmp_path, subset="all")))
    subset = read_clips(REAL, options=ReadOptions(videos=tmp_path))

    assert (len(subset.clips), len(subset.classes)) == (2038, 100)
    assert {s: sum(c.split == s for c in subset.clips) for s in ("train", "val", "test")} == {
        "train": 1442,
        "val": 338,
        "test": 258,
    }
    shared = [clip for clip in subset.clips if clip.clip_id in of_all]
    assert len(shared) == 100
    assert all(clip == of_all[clip.clip_id] for clip in shared)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real WLASL files are not on this machine")
def test_most_real_boxes_say_nothing_of_the_signer() -> None:
    """Why boxes are left out: 78 % are one and the same, the whole of a 360 x 240 picture."""
    entries = json.loads((REAL / "WLASL_v0.3.json").read_text())
    instances = [each for entry in entries for each in entry["instances"]]
    assert {each["fps"] for each in instances} == {25}
    assert not any({"width", "height"} & set(each) for each in instances)
    assert sum(each["bbox"] == [0, 0, 360, 240] for each in instances) == 1556
