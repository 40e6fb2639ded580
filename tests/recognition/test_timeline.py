"""Timelines as files: each is read again by somebody else."""

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pympi
import pytest
from squares import Signflow, write_square_video

from signflow.errors import UserError
from signflow.recognition import (
    Interval,
    Prediction,
    Spotted,
    SpottingQuality,
    Timeline,
    spotting_quality,
    write_timeline,
)
from signflow.recognition.spotting_quality import overlap

STRANGE = 'a & <b> --> "š手"'


def sign(
    start: float, stop: float, gloss: str, score: float = 0.9, *, sure: bool = True
) -> Spotted:
    predictions = (Prediction(gloss, score), Prediction("other", 1 - score))
    return Spotted(start=start, stop=stop, predictions=predictions, sure=sure)


@pytest.fixture
def timeline(square_table: Path) -> Timeline:
    return Timeline(
        video=square_table.parent / "videos" / "left7.mp4",
        seconds=2.52,
        signs=(
            sign(0.0, 0.8, STRANGE),
            sign(0.8, 0.8004, "short"),
            sign(1.2804, 2.08, "left", 0.4, sure=False),
        ),
        motion=np.array([[0, 0], [1, 0.5], [2.52, 0.1]], dtype=np.float32),
    )


def test_json_holds_everything(timeline: Timeline, tmp_path: Path):
    write_timeline(tmp_path / "a.json", timeline)

    read = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert (read["video"], read["seconds"], read["cut_off"]) == (str(timeline.video), 2.52, None)
    assert [s["gloss"] for s in read["signs"]] == [STRANGE, "short", None]
    assert read["signs"][2]["sure"] is False
    assert read["signs"][2]["predictions"][0] == {"gloss": "left", "score": 0.4}


def test_csv_has_a_row_a_sign(timeline: Timeline, tmp_path: Path):
    write_timeline(tmp_path / "a.csv", timeline)

    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "start": "0.000",
        "stop": "0.800",
        "gloss": STRANGE,
        "score": "0.9000",
        "guess": STRANGE,
    }
    assert (rows[2]["gloss"], rows[2]["guess"]) == ("", "left")


def test_ffmpeg_reads_the_subtitles(timeline: Timeline, tmp_path: Path):
    late = replace(timeline, signs=(*timeline.signs, sign(3661.5, 3662.25, "late")))

    write_timeline(tmp_path / "a.vtt", late)

    with av.open(str(tmp_path / "a.vtt")) as container:
        (stream,) = container.streams.subtitles
        assert stream.codec_context.name == "webvtt"
        packets = [packet for packet in container.demux(stream) if packet.size]
        base = float(stream.time_base or 0)
        starts = [float(packet.pts or 0) * base for packet in packets]
        assert starts == pytest.approx([0, 0.8, 1.28, 3661.5])
        lengths = [float(packet.duration or 0) * base for packet in packets]
        assert lengths == pytest.approx([0.8, 0.001, 0.8, 0.75])
        texts = [bytes(packet).decode() for packet in packets]
    assert texts == ['a &amp; &lt;b&gt; --&gt; "š手"', "short", "left?", "late"]
    if shutil.which("ffmpeg"):
        command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "a.vtt"), "-f", "srt", "-"]
        srt = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode()
        assert "a & <b> --> " in srt
        assert "01:01:01,500 --> 01:01:02,250\nlate" in srt


def test_elan_gets_a_tier_of_signs_and_one_of_guesses(timeline: Timeline, tmp_path: Path):
    write_timeline(tmp_path / "a.eaf", timeline)

    elan = pympi.Elan.Eaf(str(tmp_path / "a.eaf"))
    assert set(elan.get_tier_names()) == {"signs", "not sure"}
    assert [a[:3] for a in sorted(elan.get_annotation_data_for_tier("signs"))] == [
        (0, 800, STRANGE),
        (800, 801, "short"),
    ]
    assert elan.get_annotation_data_for_tier("not sure") == [(1280, 2080, "left")]
    (media,) = elan.get_linked_files()
    assert media["MEDIA_URL"].endswith("/videos/left7.mp4")


def test_the_picture_shows_the_video(timeline: Timeline, tmp_path: Path):
    write_timeline(tmp_path / "a.png", timeline)

    with av.open(str(tmp_path / "a.png")) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    height, width, _ = picture.shape
    assert width == 1440
    # The thumbnails are the only thing in it that has colours beside green, orange and grey.
    spread = picture.astype(int).max(axis=2) - picture.min(axis=2)
    below = spread[height // 2 :, : width // 2]
    assert (below > 60).mean() > 0.02


def test_a_timeline_without_signs_can_be_written(timeline: Timeline, tmp_path: Path):
    for suffix in ("json", "csv", "vtt", "eaf", "png"):
        write_timeline(tmp_path / f"a.{suffix}", replace(timeline, signs=()))
        assert (tmp_path / f"a.{suffix}").stat().st_size > 0


def test_another_suffix_is_refused(timeline: Timeline, tmp_path: Path):
    with pytest.raises(UserError, match=r"a\.txt: must end in one of \.json, \.csv"):
        write_timeline(tmp_path / "a.txt", timeline)


def test_elan_without_its_library_says_what_to_install(
    timeline: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "pympi", None)

    with pytest.raises(UserError, match=r"pip install 'signflow\[elan\]'"):
        write_timeline(tmp_path / "a.eaf", timeline)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [((0, 2), (1, 3), 1 / 3), ((0, 1), (1, 2), 0), ((0, 1), (5, 6), 0), ((0, 2), (0, 2), 1)],
)
def test_overlap_is_intersection_over_union(
    first: tuple[float, float], second: tuple[float, float], expected: float
):
    assert overlap(Interval(*first), Interval(*second)) == pytest.approx(expected)


def test_each_annotated_sign_is_found_once():
    truth = [Interval(0, 2, "a"), Interval(3, 5, "b"), Interval(6, 8, "c")]
    spotted = [
        Interval(0.1, 2, "a"),
        Interval(0, 1.5, "a"),  # once more: it counts against precision
        Interval(3, 5, "x"),  # the wrong sign
        Interval(6, 8, None),  # not sure
    ]

    places = spotting_quality(spotted, truth, with_gloss=False)
    signs = spotting_quality(spotted, truth, with_gloss=True)

    assert places == SpottingQuality(spotted=4, annotated=3, found=3)
    assert signs == SpottingQuality(spotted=3, annotated=3, found=1)
    assert (places.precision, places.recall) == (3 / 4, 1)
    assert places.f1 == pytest.approx(6 / 7)
    assert (signs + signs).found == 2
    assert spotting_quality([], truth, with_gloss=False).f1 == 0
    # What could be matched with either is given to the one that has no other.
    crossed = [Interval(0, 2), Interval(0.9, 2.9)]
    both = spotting_quality(crossed, [Interval(0.6, 2.4), Interval(0, 2)], with_gloss=False)
    assert both.found == 2


@pytest.fixture(scope="module")
def run(square_store: Path, tmp_path_factory: pytest.TempPathFactory, signflow: Signflow) -> Path:
    out = tmp_path_factory.mktemp("runs") / "temporal"
    words = ("--model", "temporal", "--batch-size", "8", "--lr", "1e-3", "--epochs", "3")
    signflow("train", square_store, *words, "--out", out)
    return out


def test_spot_prints_and_writes_the_timeline(
    run: Path, square_table: Path, tmp_path: Path, signflow: Signflow
):
    video = square_table.parent / "videos" / "right7.mp4"
    outs = [tmp_path / "a.json", tmp_path / "a.vtt"]

    done = signflow("spot", run, video, "--out", outs[0], "--out", outs[1])

    signs = json.loads(outs[0].read_text(encoding="utf-8"))["signs"]
    assert [s["start"] for s in signs] == pytest.approx([0.0, 1.28], abs=0.15)
    assert all(s["predictions"][0]["gloss"] == "right" for s in signs)
    assert "2 signs in 2.5 s" in done.stdout
    assert outs[1].read_text(encoding="utf-8").startswith("WEBVTT\n\n00:00:00.000 --> ")


def test_a_cut_off_video_gives_what_is_there_and_says_so(
    run: Path, square_table: Path, tmp_path: Path, signflow: Signflow
):
    whole = write_square_video(
        tmp_path / "whole.mp4", gloss="left", clips=4, container_options={"movflags": "faststart"}
    )
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])

    done = signflow("spot", run, cut, "--out", tmp_path / "a.json")

    read = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert 1 <= len(read["signs"]) < 4
    assert "is cut off" in read["cut_off"]
    assert "is cut off" in done.stderr


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["gone.mp4"], 1, "gone.mp4: no such file"),
        (["a.mp4", "--out", "a.txt"], 2, "--out a.txt: must end in"),
        (["a.mp4", "--box", "0", "0", "2", "1"], 2, "--box 0 0 2 1"),
        (["a.mp4", "--opens", "1", "--closes", "3"], 2, "closes is 3.0 and opens 1.0"),
        (["a.mp4", "--longest", "0"], 2, "longest is 0.0"),
    ],
)
def test_wrong_use_and_bad_videos_end_with_a_reason(
    run: Path, words: list[str], status: int, message: str, signflow: Signflow
):
    done = signflow("spot", run, *words, check=False)

    assert done.returncode == status
    assert message in " ".join(done.stderr.split())
