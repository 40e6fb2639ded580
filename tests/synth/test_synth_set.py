import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from synth_help import MSASL, SMALL, decode

from signflow.annotations.urls import video_id
from signflow.errors import UserError
from signflow.synth import SynthConfig, render_set

SPLITS = ("train", "val", "test")


def entries(out: Path, split: str) -> list[dict]:
    return json.loads((out / f"MSASL_{split}.json").read_text(encoding="utf-8"))


def video(out: Path, entry: dict) -> Path:
    return out / "videos" / f"{video_id(entry['url'])}.mp4"


def contents(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


@pytest.mark.skipif(not MSASL.is_dir(), reason="the MS-ASL annotation files are not here")
def test_entries_have_the_keys_and_types_of_the_real_files(rendered: Path) -> None:
    real = json.loads((MSASL / "MSASL_test.json").read_text(encoding="utf-8"))[0]
    real.pop("review", None)
    for split in SPLITS:
        for entry in entries(rendered, split):
            assert {key: type(value) for key, value in entry.items()} == {
                key: type(value) for key, value in real.items()
            }


def test_there_are_as_many_clips_as_asked_for_and_labels_are_spread_evenly(rendered: Path) -> None:
    assert [len(entries(rendered, split)) for split in SPLITS] == [8, 3, 3]
    assert max(Counter(entry["label"] for entry in entries(rendered, "train")).values()) == 1


def test_labels_mean_the_glosses_of_the_class_file(rendered: Path) -> None:
    classes = json.loads((rendered / "MSASL_classes.json").read_text(encoding="utf-8"))
    assert len(classes) == 10
    for entry in entries(rendered, "train"):
        assert entry["clean_text"] == classes[entry["label"]]


def test_no_signer_and_no_video_is_in_two_splits(rendered: Path) -> None:
    for key in ("signer_id", "url"):
        seen = [{entry[key] for entry in entries(rendered, split)} for split in SPLITS]
        assert sum(map(len, seen)) == len(set.union(*seen))


def test_clips_lie_inside_their_videos_which_are_as_annotated(rendered: Path) -> None:
    for split in SPLITS:
        for entry in entries(rendered, split):
            frames, times = decode(video(rendered, entry))
            assert frames.shape[1:] == (entry["height"], entry["width"])
            assert times[1] - times[0] == 1 / Fraction(entry["fps"])
            assert 0 <= entry["start"] < entry["end"] <= len(frames)
            assert entry["start_time"] == pytest.approx(entry["start"] / entry["fps"], abs=1e-3)
            assert entry["end_time"] == pytest.approx(entry["end"] / entry["fps"], abs=1e-3)
            y0, x0, y1, x1 = entry["box"]
            assert 0 <= y0 < y1 <= 1
            assert 0 <= x0 < x1 <= 1


def test_a_video_holds_several_signs_with_idle_time_between(rendered: Path) -> None:
    of_one = [
        e for e in entries(rendered, "train") if e["url"] == entries(rendered, "train")[0]["url"]
    ]
    assert len(of_one) == 4
    frames, _ = decode(video(rendered, of_one[0]))
    moved = np.abs(np.diff(frames.astype(np.int16), axis=0)).mean(axis=(1, 2))
    signing = np.zeros(len(moved), bool)
    for entry in of_one:
        middle = (entry["start"] + entry["end"]) // 2
        # Holds inside a sign are still too, so look at whether there is motion at all.
        assert moved[middle - 8 : middle + 8].max() > 0.8
        signing[max(entry["start"] - 6, 0) : entry["end"] + 6] = True
    assert (~signing).sum() > 20
    assert moved[~signing].max() < 0.8


def test_the_same_config_gives_the_same_bytes_with_any_number_of_workers(
    rendered: Path, tmp_path: Path
) -> None:
    render_set(tmp_path / "again", SMALL, workers=2)
    assert contents(tmp_path / "again") == contents(rendered)


def test_another_seed_gives_other_videos(rendered: Path, tmp_path: Path) -> None:
    config = SynthConfig(train=1, val=0, test=0, width=160, height=120, fps=20, seed=4)
    render_set(tmp_path / "other", config, workers=1)
    assert not set(contents(tmp_path / "other").values()) & {
        data for name, data in contents(rendered).items() if name.endswith(".mp4")
    }


def test_a_set_goes_on_where_it_stopped(rendered: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    shutil.copytree(rendered, out)
    first, *others = sorted((out / "videos").iterdir())
    before = {path: path.stat().st_mtime_ns for path in others}
    first.unlink()
    (out / "MSASL_test.json").unlink()
    (out / "videos" / f".{first.stem}.1.partial.mp4").write_bytes(b"left by a killed run")
    summary = render_set(out, SMALL, workers=1)
    assert summary.rendered == 1
    assert summary.videos == 4
    assert contents(out) == contents(rendered)
    assert {path: path.stat().st_mtime_ns for path in others} == before


def test_a_killed_run_leaves_no_process_and_goes_on_to_the_same_bytes(
    rendered: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    code = (
        "from pathlib import Path; from signflow.synth import *;"
        f"render_set(Path({str(out)!r}), SynthConfig(**{asdict(SMALL)!r}), workers=2)"
    )
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as process:
        deadline = time.monotonic() + 120
        while not list((out / "videos").glob("[!.]*.mp4")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    while process_group_lives(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not (out / "MSASL_train.json").exists()
    render_set(out, SMALL, workers=1)
    assert contents(out) == contents(rendered)


def process_group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_folder_of_other_videos_is_refused(rendered: Path) -> None:
    with pytest.raises(UserError, match="other settings"):
        render_set(rendered, SynthConfig(train=1, val=0, test=0, seed=9), workers=1)


@pytest.mark.parametrize(
    "options",
    [
        {"width": 161},
        {"height": 8},
        {"fps": 0},
        {"clips_per_video": 0},
        {"train": -1},
        {"left_handed_share": 1.5},
        {"train": 0, "val": 0, "test": 0},
    ],
)
def test_a_config_that_cannot_be_rendered_is_refused(options: dict) -> None:
    with pytest.raises(UserError):
        SynthConfig(**options)
