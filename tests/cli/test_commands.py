"""The whole way through the real command line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from squares import Signflow, write_square_video


@pytest.fixture(scope="module")
def run(square_store: Path, tmp_path_factory: pytest.TempPathFactory, signflow: Signflow) -> Path:
    out = tmp_path_factory.mktemp("runs") / "late"
    words = ("--model", "late-fusion", "--batch-size", "8", "--lr", "1e-3", "--epochs", "3")
    signflow("train", square_store, *words, "--out", out)
    return out


def test_evaluate_writes_predictions_and_result(run: Path, signflow: Signflow):
    done = signflow("evaluate", run, "--split", "test")

    assert "late-fusion" in done.stdout
    table = pq.read_table(run / "predictions_test.parquet").to_pydict()
    scores = np.array(table["scores"])
    assert scores.shape == (9, 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    result = json.loads((run / "result.json").read_text())
    right = sum(scores.argmax(axis=1) == np.array(table["label"]))
    assert result["splits"]["test"]["top1"]["value"] == pytest.approx(right / 9)
    assert result["splits"]["test"]["asked"] == 9

    signflow("evaluate", run, "--split", "val")
    assert set(json.loads((run / "result.json").read_text())["splits"]) == {"val", "test"}


def test_validation_scores_agree_with_the_best_epoch(run: Path, signflow: Signflow):
    signflow("evaluate", run, "--split", "val")

    result = json.loads((run / "result.json").read_text())
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    best = [epoch for epoch in epochs if epoch["best"]][-1]
    assert result["best_epoch"] == best["epoch"]
    assert result["splits"]["val"]["top1"]["value"] == pytest.approx(best["val_top1"])


def test_report_and_show_write_what_people_look_at(
    run: Path, square_store: Path, tmp_path: Path, signflow: Signflow
):
    signflow("evaluate", run)

    signflow("report", run, "--out", tmp_path / "report.html")
    show = ("show", square_store, "videos/left0.mp4")
    signflow(*show, "--out", tmp_path / "clip.png")
    signflow(*show, "--run", run, "--out", tmp_path / "guessed.png")

    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "late-fusion" in page
    assert (tmp_path / "clip.png").read_bytes().startswith(b"\x89PNG")
    width, guessed_width = (
        int.from_bytes((tmp_path / name).read_bytes()[16:20], "big")
        for name in ("clip.png", "guessed.png")
    )
    assert guessed_width > width


def test_models_lists_what_nets_see_cost_and_begin_with(signflow: Signflow):
    done = signflow("models")

    for name, weights in {
        "spatial": "200,768,706",
        "temporal": "200,780,706",
        "early-fusion": "401,538,402",
        "late-fusion": "401,549,412",
    }.items():
        (line,) = [line for line in done.stdout.splitlines() if f" {name} " in line]
        assert weights in line
    cost, weights = (line for line in done.stdout.splitlines() if " r2plus1d-18 " in line)
    assert cost.split() == ["r2plus1d-18", "rgb", "*", "-", "31,305,255", "213.5"]
    assert "torchvision, Kinetics-400" in weights
    assert max(map(len, done.stdout.splitlines())) <= 110


def test_models_lists_encoders(signflow: Signflow):
    assert signflow("models", "--encoders", "test_resnet").stdout.split() == [
        "timm/test_resnet",
        "timm/test_resnet.r160_in1k",
    ]
    assert signflow("models", "--encoders", "nosuchnet", check=False).status == 2


def test_a_folder_with_letters_outside_ascii_keeps_them_everywhere(
    tmp_path: Path, signflow: Signflow
):
    for gloss, motion in (("žuta", "down"), ("smeđe", "left"), ("黄色", "right")):
        for number in range(4):
            path = tmp_path / "clips" / gloss / f"{number}.mp4"
            write_square_video(path, gloss=motion, seed=number)
    store, run = tmp_path / "store", tmp_path / "run"

    shares = ("--shares", "0.5", "0.25", "0.25")
    signflow("build", tmp_path / "clips", "--out", store, "--image-size", "16", *shares)
    signflow("train", store, "--model", "temporal", "--epochs", "1", "--out", run)
    signflow("evaluate", run)
    signflow("report", run, "--out", tmp_path / "report.html")

    assert "žuta" in (store / "store.json").read_text(encoding="utf-8")
    assert pq.read_table(store / "clips.parquet")["clip_id"].to_pylist()[0] == "smeđe/0.mp4"
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(gloss in page for gloss in ("žuta", "smeđe", "黄色"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "COMMAND"),
        (("trian",), "'trian' is no command"),
        (("build", "nowhere", "--out", "x"), "nowhere: no such file"),
        (("build", ".", "--out", "x", "--flow", "raft"), "raft"),
        (("build", ".", "--out", "x", "--flow-options", "winsize"), "expected KEY=VALUE"),
        (("build", ".", "--out", "x", "--flow-options", "windowsize=3"), "windowsize"),
        (("build", ".", "--out", "x", "--frames", "1"), "frames is 1"),
        (("build", "TABLE", "--out", "x", "--workers", "-1"), "--workers -1: must be 0 or more"),
        (("train", "nowhere", "--out", "x"), "nowhere: is no store"),
        (("train", "STORE", "--out", "x", "--model", "early"), "'early': unknown; the models are"),
        (("train", "STORE", "--out", "x", "--fold", "7"), "has the folds 0, 1, 2, 3"),
        (("evaluate",), "no run given"),
        (("evaluate", "nowhere"), "nowhere: is no run"),
        (("evaluate", "RUN", "--split", "dev"), "dev"),
        (("evaluate", "RUN", "--tta", "9"), "--tta 9: must be 1 to 8 views"),
        (("train", "STORE", "--out", "x", "--augment", "light", "--shift", "2"), "shift is 2.0"),
        (("report", "nowhere"), "nowhere: is no run"),
        (("report", "RUN", "--format", "pdf"), "pdf"),
        (
            ("report", "RUN", "--format", "csv", "--table", "results", "published"),
            "holds one table",
        ),
        (("show", "STORE", "left0"), "left0"),
    ],
)
def test_wrong_use_says_what_is_wrong_and_exits_with_2(
    words: tuple[str, ...],
    message: str,
    square_store: Path,
    square_table: Path,
    run: Path,
    signflow: Signflow,
):
    places = {"STORE": str(square_store), "RUN": str(run), "TABLE": str(square_table)}

    done = signflow(*(places.get(word, word) for word in words), check=False)

    assert done.returncode == 2
    assert message in " ".join((done.stderr + done.stdout).split())
    assert "Traceback" not in done.stderr


def test_wrong_use_of_the_installed_command_shows_no_traceback(tmp_path: Path):
    command = [Path(sys.executable).with_name("signflow"), "train", "nowhere", "--out", "x"]

    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)

    assert done.returncode == 2
    assert done.stderr.startswith("signflow: nowhere: is no store")
    assert "Traceback" not in done.stderr


def test_flow_options_reach_the_recipe(square_table: Path, tmp_path: Path, signflow: Signflow):
    words = ("--flow", "dis", "--flow-options", "preset=fast", "--image-size", "32")

    signflow("build", square_table, "--out", tmp_path / "store", *words)

    recipe = json.loads((tmp_path / "store" / "store.json").read_text())["recipe"]
    assert recipe["flow"]["method"] == "dis"
    assert recipe["flow"]["preset"] == "fast"


def test_a_folder_of_runs_is_evaluated_but_for_those_that_are_not_finished(
    run: Path, signflow: Signflow, tmp_path: Path
):
    folder = tmp_path / "sweep"
    shutil.copytree(run, folder / "done")
    shutil.copytree(run, folder / "killed")
    (folder / "killed" / "environment.json").unlink()

    done = signflow("evaluate", folder, "--split", "test")
    alone = signflow("evaluate", folder / "killed", check=False)

    assert "9 of 9" in done.stdout
    assert "passed over: killed" in done.stderr
    assert alone.returncode == 2
    assert "is not finished" in alone.stderr


def test_what_is_measured_is_not_measured_again_until_the_weights_change(
    run: Path, signflow: Signflow, tmp_path: Path
):
    again = shutil.copytree(run, tmp_path / "run")
    signflow("evaluate", again, "--split", "test")
    predictions = again / "predictions_test.parquet"
    written = predictions.stat().st_mtime_ns

    signflow("evaluate", again, "--split", "test")
    assert predictions.stat().st_mtime_ns == written

    later = predictions.stat().st_mtime + 10
    os.utime(again / "model.safetensors", (later, later))
    signflow("evaluate", again, "--split", "test")
    assert predictions.stat().st_mtime_ns > written


def test_scores_over_several_views_are_kept_apart_from_those_of_the_clips_as_they_are(
    run: Path, signflow: Signflow, tmp_path: Path
):
    again = shutil.copytree(run, tmp_path / "run")
    signflow("evaluate", again, "--split", "test")
    names = ("predictions_test.parquet", "result.json")
    plain = [(again / name).read_bytes() for name in names]

    done = signflow("evaluate", again, "--split", "test", "--tta", "4")

    assert "means over 4 views" in done.stdout
    assert [(again / name).read_bytes() for name in names] == plain
    of_views = pq.read_table(again / "predictions_test_tta4.parquet").to_pydict()
    scores = np.array(of_views["scores"])
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    as_they_are = pq.read_table(again / "predictions_test.parquet").to_pydict()
    assert of_views["clip_id"] == as_they_are["clip_id"]
    assert np.abs(scores - np.array(as_they_are["scores"])).max() > 1e-4
    result = json.loads((again / "result_tta4.json").read_text())
    right = sum(scores.argmax(axis=1) == np.array(of_views["label"]))
    assert result["views"] == 4
    assert result["splits"]["test"]["top1"]["value"] == pytest.approx(right / 9)

    # One kind copied over the other is noticed.
    shutil.copy(again / "result_tta4.json", again / "result.json")
    mixed_up = signflow("evaluate", again, "--split", "test", check=False)
    assert mixed_up.returncode == 2
    assert "its scores are of 4 views" in mixed_up.stderr


def test_tables_for_a_paper_go_to_the_terminal_or_into_a_file(
    run: Path, signflow: Signflow, tmp_path: Path
):
    signflow("evaluate", run)

    shown = signflow("report", run, "--format", "markdown")
    signflow("report", run, "--format", "latex", "--out", tmp_path / "tables.tex")
    bare = signflow("report", run.parent, "--format", "csv", "--table", "results")

    assert shown.stdout.startswith("**Results**")
    assert "| late-fusion | 8 | 0.001 | 3 | 1 |" in shown.stdout
    assert "late-fusion & 8 & 0.001 & 3 & 1 &" in (tmp_path / "tables.tex").read_text()
    assert bare.stdout.splitlines()[1].startswith("late-fusion,8,0.001,3,1,")
