import json
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from synth_help import MSASL, decode, frame_at, msasl_entry

from signflow.errors import UserError
from signflow.synth import render_annotations
from signflow.synth.msasl import plan_annotations


def annotate(folder: Path, entries: list[dict], split: str = "train") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"MSASL_{split}.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


def motion(frames: np.ndarray, first: int, last: int) -> float:
    """Return the greatest mean change between neighbouring frames."""
    pairs = pairwise(frames[first:last].astype(np.int16))
    return max(float(np.abs(after - before).mean()) for before, after in pairs)


def test_every_way_to_write_a_url_gets_its_video(tmp_path: Path) -> None:
    urls = [
        "www.youtube.com/watch?v=aaaaaaaaaaa",
        "https://www.youtube.com/watch?v=bbbbbbbbbbb&t=9s",
    ]
    source = annotate(tmp_path / "msasl", [msasl_entry(url) for url in urls])
    summary = render_annotations(source, tmp_path / "out", classes=1, workers=1)
    names = {path.name for path in (tmp_path / "out" / "videos").iterdir()}
    assert names == {"aaaaaaaaaaa.mp4", "bbbbbbbbbbb.mp4"}
    assert (summary.videos, summary.clips, summary.rendered) == (2, 2, 2)


def test_a_url_that_names_no_video_is_counted_and_stops_nothing(tmp_path: Path) -> None:
    urls = ["https://www.youtube.com/watch?v=../../../x", "youtu.be/aaaaaaaaaaa"]
    source = annotate(tmp_path / "msasl", [msasl_entry(url) for url in urls])
    summary = render_annotations(source, tmp_path / "out", classes=1, workers=1)
    assert (summary.videos, summary.skipped) == (1, 1)


def test_only_labels_below_classes_are_rendered(tmp_path: Path) -> None:
    entries = [msasl_entry("youtu.be/aaaaaaaaaaa"), msasl_entry("youtu.be/bbbbbbbbbbb", label=400)]
    source = annotate(tmp_path / "msasl", entries)
    assert render_annotations(source, tmp_path / "out", classes=400, workers=1).videos == 1


@pytest.mark.parametrize(("width", "height"), [(161, 121), (201, 240), (570, 421), (1280, 538)])
def test_odd_sizes_become_even(tmp_path: Path, width: int, height: int) -> None:
    entry = msasl_entry("youtu.be/aaaaaaaaaaa", width=width, height=height, end_time=1.5)
    source = annotate(tmp_path / "msasl", [entry])
    render_annotations(source, tmp_path / "out", classes=1, workers=1)
    frames, _ = decode(tmp_path / "out" / "videos" / "aaaaaaaaaaa.mp4")
    assert frames.shape[1:] == (round(height / 2) * 2, round(width / 2) * 2)


@pytest.mark.parametrize("fps", [29.97, 23.976, 15.0, 17.157, 29.917])
def test_frames_stand_at_exact_multiples_of_the_frame_rate(tmp_path: Path, fps: float) -> None:
    source = annotate(tmp_path / "msasl", [msasl_entry("youtu.be/aaaaaaaaaaa", fps=fps)])
    render_annotations(source, tmp_path / "out", classes=1, workers=1)
    _, times = decode(tmp_path / "out" / "videos" / "aaaaaaaaaaa.mp4")
    assert times == [number / Fraction(str(fps)) for number in range(len(times))]


def test_a_clip_deep_in_a_video_is_where_it_should_be_and_the_file_stays_small(
    tmp_path: Path,
) -> None:
    entry = msasl_entry("youtu.be/aaaaaaaaaaa", start_time=300.0, end_time=302.0, fps=29.97)
    source = annotate(tmp_path / "msasl", [entry])
    summary = render_annotations(source, tmp_path / "out", classes=1, workers=1)
    path = tmp_path / "out" / "videos" / "aaaaaaaaaaa.mp4"
    assert summary.seconds > 302
    assert path.stat().st_size < 3_000_000
    checked = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-f", "null", "-"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert checked.stderr == ""
    frames, _ = decode(path)
    first, last = round(300 * 29.97), round(302 * 29.97)
    assert motion(frames, first, last) > 0.8
    # Only where the idle loop begins again, with a key frame, may a picture change a little.
    waiting = np.abs(np.diff(frames[: first - 20, ::4, ::4].astype(np.int16), axis=0))
    assert (waiting.mean(axis=(1, 2)) > 0.8).mean() < 0.02
    # By a seek comes the same picture as by decoding everything.
    sought, time = frame_at(path, 301.0)
    assert abs(time - 301.0) < 1 / 29.97
    np.testing.assert_array_equal(sought, frames[round(time * 29.97)])


@pytest.mark.parametrize(("start", "end"), [(1.5, 1.5), (2.5, 0.5)])
def test_an_empty_or_reversed_clip_still_gets_its_video(
    tmp_path: Path, start: float, end: float
) -> None:
    entry = msasl_entry("youtu.be/aaaaaaaaaaa", start_time=start, end_time=end)
    source = annotate(tmp_path / "msasl", [entry])
    render_annotations(source, tmp_path / "out", classes=1, workers=1)
    frames, _ = decode(tmp_path / "out" / "videos" / "aaaaaaaaaaa.mp4")
    assert len(frames) >= 20 * max(start, end)
    assert motion(frames, 20, 40) > 0.8


def test_clips_that_touch_or_overlap_get_their_signs_one_after_the_other(tmp_path: Path) -> None:
    spans = [(0.0, 1.5), (1.5, 3.0), (2.8, 4.5), (2.8, 4.5)]
    entries = [
        msasl_entry("youtu.be/aaaaaaaaaaa", start_time=a, end_time=b, label=n, signer_id=n % 3)
        for n, (a, b) in enumerate(spans)
    ]
    source = annotate(tmp_path / "msasl", entries)
    (plan,) = plan_annotations(source, classes=10, seed=0, left_handed_share=0.1).plans
    acts = [act for take in plan.takes for act in take.acts]
    assert [act.label for act in acts] == [0, 1, 2]
    for before, after in pairwise(acts):
        assert before.last <= after.first
    for take in plan.takes:
        assert all(take.first <= act.first < act.last <= take.last for act in take.acts)


def test_a_signer_looks_the_same_in_every_split(tmp_path: Path) -> None:
    source = annotate(tmp_path / "msasl", [msasl_entry("youtu.be/aaaaaaaaaaa")])
    annotate(source, [msasl_entry("youtu.be/bbbbbbbbbbb")], split="test")
    plans = plan_annotations(source, classes=10, seed=0, left_handed_share=0.1).plans
    assert len({(plan.takes[0].signer, plan.signer_seed) for plan in plans}) == 1


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"label": "hello"}, "label 'hello'"),
        ({"fps": 0}, "fps 0"),
        ({"start_time": None}, "start_time None"),
        ({"width": 1e9}, "width"),
        ({"end_time": float("nan")}, "end_time"),
        ({"url": 5}, "url 5"),
    ],
)
def test_an_entry_that_makes_no_sense_is_named(tmp_path: Path, changes: dict, named: str) -> None:
    entries = [msasl_entry("youtu.be/bbbbbbbbbbb"), msasl_entry("youtu.be/aaaaaaaaaaa", **changes)]
    source = annotate(tmp_path / "msasl", entries)
    with pytest.raises(UserError, match=rf"MSASL_train.json: entry 1: .*{named}"):
        render_annotations(source, tmp_path / "out", classes=1, workers=1)


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="MSASL_train"):
        render_annotations(tmp_path, tmp_path / "out", classes=10, workers=1)


def test_more_classes_than_there_are_signs_for_are_refused(tmp_path: Path) -> None:
    source = annotate(tmp_path / "msasl", [msasl_entry("youtu.be/aaaaaaaaaaa")])
    with pytest.raises(UserError, match="classes 5000"):
        render_annotations(source, tmp_path / "out", classes=5000)


@pytest.mark.skipif(not MSASL.is_dir(), reason="the MS-ASL annotation files are not here")
def test_real_annotations_get_a_video_for_every_id(tmp_path: Path) -> None:
    videos = plan_annotations(MSASL, classes=10, seed=0, left_handed_share=0.1)
    assert (len(videos.plans), videos.clips.total(), videos.skipped) == (378, 727, 0)
    summary = render_annotations(MSASL, tmp_path / "out", classes=10, workers=1, limit=2)
    assert summary.videos == summary.rendered == 2
    for plan in videos.plans[:2]:
        frames, times = decode(tmp_path / "out" / "videos" / f"{plan.name}.mp4")
        assert frames.shape == (plan.frames, plan.height, plan.width)
        assert times[-1] == (plan.frames - 1) / plan.rate
