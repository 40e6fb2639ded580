"""The example needs neither PyTorch nor signflow, and sees what the recogniser sees."""

import json
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from squares import Signflow

from signflow.recognition import Recognizer
from signflow.store import RECIPES

EXAMPLE = Path(__file__).parents[2] / "examples" / "webcam_onnx.py"

# What must not be imported raises, as it would where it is not installed.
ALONE = """
import runpy, sys
for name in ("torch", "signflow", "av"):
    sys.modules[name] = None
script, *sys.argv[1:] = sys.argv[1:]
runpy.run_path(script, run_name="__main__")
"""


@pytest.fixture(scope="module")
def model(late_run: Path, tmp_path_factory: pytest.TempPathFactory, signflow: Signflow) -> Path:
    out = tmp_path_factory.mktemp("exported") / "model.onnx"
    signflow("export", late_run, "--out", out)
    return out


@pytest.fixture(scope="module")
def standard_run(
    square_table: Path, tmp_path_factory: pytest.TempPathFactory, signflow: Signflow
) -> Path:
    """The default net on a store of the default recipe, after a few epochs."""
    folder = tmp_path_factory.mktemp("standard")
    signflow("build", square_table, "--out", folder / "store", "--workers", "0")
    words = ("--epochs", "10", "--batch-size", "8", "--warmup-epochs", "0", "--augment", "none")
    signflow("train", folder / "store", *words, "--out", folder / "run")
    return folder / "run"


def run_alone(*words: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-c", ALONE, EXAMPLE, *words]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def check_scores(model: Path, run: Path, square_table: Path) -> None:
    recognizer = Recognizer.load(run)
    for name in ("left6", "down6"):
        video = square_table.parent / "videos" / f"{name}.mp4"
        expected = {guess.gloss: guess.score for guess in recognizer.predict(video, top=3)}

        done = run_alone(model, video)

        assert done.returncode == 0, done.stderr
        given = json.loads(done.stdout)
        assert max(given, key=given.__getitem__) == max(expected, key=expected.__getitem__)
        # OpenCV and FFmpeg do not scale a picture in quite the same way.
        assert given == pytest.approx(expected, abs=0.05)


def test_it_gives_the_recognisers_scores(model: Path, late_run: Path, square_table: Path):
    check_scores(model, late_run, square_table)


def test_of_the_default_net_and_recipe_too(
    standard_run: Path, square_table: Path, tmp_path: Path, signflow: Signflow
):
    signflow("export", standard_run, "--out", tmp_path / "model.onnx")

    recipe = Recognizer.load(standard_run).recipe
    assert recipe.to_dict() == RECIPES["standard"].to_dict()
    check_scores(tmp_path / "model.onnx", standard_run, square_table)


def test_what_is_beyond_it_is_said(model: Path, square_table: Path, tmp_path: Path):
    video = square_table.parent / "videos" / "left6.mp4"
    changed = onnx.load(model)
    (recipe,) = [each for each in changed.metadata_props if each.key == "recipe"]
    was = json.loads(recipe.value)
    for name, other in (
        ("cropped", {"crop": "box"}),
        ("raft", {"flow": {"method": "raft"}}),
    ):
        recipe.value = json.dumps({**was, **other})
        onnx.save(changed, tmp_path / f"{name}.onnx")

    for path, video_given, message in (
        (tmp_path / "cropped.onnx", video, "too much for this short example: crop = box"),
        (
            tmp_path / "raft.onnx",
            video,
            "too much for this short example: flow = {'method': 'raft'",
        ),
        (model, square_table, "0 frames were had; 10 are needed"),
    ):
        done = run_alone(path, video_given)
        assert done.returncode == 1
        assert message in done.stderr
        assert "Traceback" not in done.stderr
