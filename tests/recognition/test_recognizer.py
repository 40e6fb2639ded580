"""A recognizer sees a video as the store did."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from squares import Signflow

from signflow.errors import UserError
from signflow.recognition import Recognizer
from signflow.store import Store
from signflow.video import VideoFault


@pytest.fixture(scope="module")
def run(square_store: Path, tmp_path_factory: pytest.TempPathFactory, signflow: Signflow) -> Path:
    out = tmp_path_factory.mktemp("runs") / "early"
    words = ("--model", "early-fusion", "--batch-size", "8", "--lr", "1e-3", "--epochs", "3")
    signflow("train", square_store, *words, "--out", out)
    signflow("evaluate", out, "--split", "test")
    return out


def test_a_video_gets_the_scores_that_evaluate_wrote_for_its_clip(run: Path, square_store: Path):
    recognizer = Recognizer.load(run)
    store = Store.open(square_store)
    written = pq.read_table(run / "predictions_test.parquet").to_pylist()

    assert len(written) == 9
    for row in written:
        clip = store.row(row["clip_id"]).clip
        guesses = recognizer.predict(Path(clip.source), start=clip.start, end=clip.end, top=3)
        by_gloss = {guess.gloss: guess.score for guess in guesses}
        given = [by_gloss[gloss] for gloss in store.classes]
        np.testing.assert_allclose(given, row["scores"], atol=1e-5)
        assert [guess.score for guess in guesses] == sorted(given, reverse=True)


def test_a_run_is_enough_to_recognise(run: Path, square_table: Path, tmp_path: Path):
    (tmp_path / "model.safetensors").write_bytes((run / "model.safetensors").read_bytes())

    guesses = Recognizer.load(tmp_path).predict(square_table.parent / "videos" / "left6.mp4", top=1)

    assert [guess.gloss for guess in guesses] == ["left"]


def test_a_bad_video_says_why_and_the_others_go_on(
    run: Path, square_table: Path, tmp_path: Path, signflow: Signflow
):
    (tmp_path / "text.mp4").write_text("not a video")
    good = square_table.parent / "videos" / "right6.mp4"

    done = signflow("predict", run, tmp_path / "text.mp4", good, "--top", "1")

    assert "right" in done.stdout
    with pytest.raises(VideoFault, match=r"text\.mp4"):
        Recognizer.load(run).predict(tmp_path / "text.mp4")


def test_when_no_video_can_be_read_the_status_is_1(run: Path, signflow: Signflow):
    done = signflow("predict", run, "gone.mp4", check=False)

    assert done.returncode == 1
    assert "no video could be read" in done.stderr


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such file"), (b"\x08\0\0\0\0\0\0\0{}", "is no model")]
)
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes | None, message: str):
    if content is not None:
        (tmp_path / "model.safetensors").write_bytes(content)

    with pytest.raises(UserError, match=message):
        Recognizer.load(tmp_path)
