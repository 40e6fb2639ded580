"""A recognizer sees a video as the store did, and says what evaluate would say of it."""

import csv
import io
import json
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open
from safetensors.torch import save_file
from squares import FPS, Signflow

from signflow.annotations import Clip
from signflow.errors import UserError
from signflow.recognition import Recognizer
from signflow.store import Store
from signflow.video import VideoFault

RECIPES = {
    "default": [],
    "even, letterboxed": ["--sampling", "even", "--fit", "letterbox"],
    "centre, lossy, dis": ["--sampling", "centre", "--encoding", "jpeg", "--flow", "dis"],
    "at a rate": ["--fps", "10"],
    "box": ["--crop", "box", "--crop-margin", "0.2"],
}


@pytest.fixture(scope="module")
def boxed_table(square_table: Path) -> Path:
    """The clips of `square_table`, each with a box."""
    rows = list(csv.DictReader(square_table.open(encoding="utf-8")))
    for number, row in enumerate(rows):
        row["box"] = json.dumps([0.1, 0.05 * (number % 4), 0.9, 0.8])
    path = square_table.with_name("boxed.csv")
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


@pytest.fixture(scope="module")
def run(square_store: Path, tmp_path_factory: pytest.TempPathFactory, signflow: Signflow) -> Path:
    out = tmp_path_factory.mktemp("runs") / "early"
    words = ("--model", "early-fusion", "--batch-size", "8", "--lr", "1e-3", "--epochs", "3")
    signflow("train", square_store, *words, "--out", out)
    return out


@pytest.fixture(scope="module")
def recognizer(run: Path) -> Recognizer:
    return Recognizer.load(run)


@pytest.fixture
def left(square_table: Path) -> Path:
    return square_table.parent / "videos" / "left6.mp4"


def decoded(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def given(recognizer: Recognizer, clip: Clip) -> list[float]:
    predictions = recognizer.predict(
        clip.source, start=clip.start, end=clip.end, box=clip.box, top=len(recognizer.classes)
    )
    by_gloss = {prediction.gloss: prediction.score for prediction in predictions}
    assert [p.score for p in predictions] == sorted(by_gloss.values(), reverse=True)
    return [by_gloss[gloss] for gloss in recognizer.classes]


def check_agreement(store: Path, *, tested: int, signflow: Signflow) -> None:
    """Train on a store, evaluate, and predict each test clip from its video."""
    out = store.with_name("run")
    words = ["--model", "late-fusion", "--batch-size", "8", "--lr", "1e-3", "--epochs", "1"]
    signflow("train", store, *words, "--out", out)
    signflow("evaluate", out, "--split", "test")

    recognizer = Recognizer.load(out)

    assert recognizer.calibration.temperature != 1
    written = pq.read_table(out / "predictions_test.parquet").to_pylist()
    assert len(written) == tested
    for row in written:
        clip = Store.open(store).row(row["clip_id"]).clip
        np.testing.assert_allclose(given(recognizer, clip), row["scores"], atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", RECIPES)
def test_a_video_gets_the_scores_that_evaluate_wrote_for_its_clip(
    name: str, boxed_table: Path, tmp_path: Path, signflow: Signflow
):
    words = ["--image-size", "32", "--workers", "0", *RECIPES[name]]
    signflow("build", boxed_table, "--out", tmp_path / "store", *words)

    check_agreement(tmp_path / "store", tested=9, signflow=signflow)


def test_a_span_of_a_longer_video_that_msasl_names_gets_them_too(
    square_table: Path, tmp_path: Path, signflow: Signflow
):
    write_msasl(square_table, tmp_path / "msasl")
    words = ["--videos", tmp_path / "msasl", "--image-size", "32", "--crop", "box"]
    signflow("build", tmp_path / "msasl", "--out", tmp_path / "store", "--workers", "0", *words)

    test = [row.clip for row in Store.open(tmp_path / "store").splits()["test"]]
    assert {(clip.start, clip.end) for clip in test} == {(0.013, 0.808), (1.293, 2.088)}
    check_agreement(tmp_path / "store", tested=6, signflow=signflow)


def write_msasl(table: Path, folder: Path) -> None:
    """The clips of a table that are spans of a longer video, as MS-ASL would name them."""
    folder.mkdir()
    rows = [row for row in csv.DictReader(table.open(encoding="utf-8")) if row["start"]]
    glosses = sorted({row["gloss"] for row in rows})
    entries: dict[str, list[dict[str, object]]] = {"train": [], "val": [], "test": []}
    for row in rows:
        video = table.parent / row["source"]
        name = video.stem.ljust(11, "-")  # as YouTube's are
        (folder / f"{name}.mp4").write_bytes(video.read_bytes())
        entries[row["split"]].append(
            {
                "url": f"https://www.youtube.com/watch?v={name}",
                # Annotators' times lie between frames.
                "start_time": round(float(row["start"]) + 0.013, 3),
                "end_time": round(float(row["end"]) + 0.008, 3),
                "label": glosses.index(row["gloss"]),
                "signer_id": int(row["signer"].removeprefix("s")),
                "box": [0.1, 0.05, 0.9, 0.85],
            }
        )
    (folder / "MSASL_classes.json").write_text(json.dumps(glosses))
    for split, of_split in entries.items():
        (folder / f"MSASL_{split}.json").write_text(json.dumps(of_split))


def test_a_model_file_alone_is_enough_to_recognise(run: Path, left: Path, tmp_path: Path):
    copy = tmp_path / "squares.safetensors"
    copy.write_bytes((run / "model.safetensors").read_bytes())

    recognizer = Recognizer.load(copy)
    predictions = recognizer.predict(left, top=1)

    assert [prediction.gloss for prediction in predictions] == ["left"]
    assert recognizer.calibration == Recognizer.load(run).calibration


def test_an_open_file_is_recognised_as_its_path_is(recognizer: Recognizer, left: Path):
    expected = recognizer.predict(left)

    with left.open("rb") as file:
        assert recognizer.predict(file) == expected
    assert recognizer.predict(io.BytesIO(left.read_bytes())) == expected
    with pytest.raises(VideoFault, match=r"^video: cannot be read as a video"):
        recognizer.predict(io.BytesIO(b"no video"))
    with pytest.raises(ValueError, match="opened as text"):
        recognizer.predict(io.StringIO("text"))  # type: ignore[arg-type]


def test_frames_and_a_folder_of_images_are_seen_alike(
    recognizer: Recognizer, left: Path, tmp_path: Path
):
    frames = decoded(left)
    for number, frame in enumerate(frames):
        with av.open(str(tmp_path / f"{number}.png"), "w", format="image2") as image:
            stream = image.add_stream("png", rate=1)
            stream.width, stream.height, stream.pix_fmt = frame.shape[1], frame.shape[0], "rgb24"
            image.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))

    by_path = recognizer.sample(left, start=0.1, end=0.7)
    by_folder = recognizer.sample(tmp_path, start=0.1, end=0.7, frame_rate=FPS)
    by_array = recognizer.sample(frames, start=0.1, end=0.7, frame_rate=FPS)

    assert np.abs(by_path.frames.astype(int) - by_array.frames).mean() < 2
    assert np.abs(by_folder.frames.astype(int) - by_array.frames).mean() < 2
    assert recognizer.predict(frames, frame_rate=FPS)[0].gloss == "left"
    slower = recognizer.sample(frames, start=0.2, end=1.4, frame_rate=FPS / 2)
    np.testing.assert_array_equal(slower.frames, by_array.frames)


@pytest.mark.parametrize(
    ("frames", "wrong"),
    [
        (np.zeros((12, 8, 8), np.uint8), r"uint8 \(12, 8, 8\)"),
        (np.zeros((12, 8, 8, 3), np.float32), "float32"),
        (np.zeros((0, 8, 8, 3), np.uint8), "not empty"),
    ],
)
def test_an_array_that_holds_no_frames_is_refused(
    recognizer: Recognizer, frames: np.ndarray, wrong: str
):
    with pytest.raises(ValueError, match=wrong):
        recognizer.predict(frames)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"start": 5.0}, "span-past-end"),
        ({"start": 0.5, "end": 0.2}, "span-empty"),
        ({"end": 0.2}, "too-few-frames"),
        ({"box": (0.5, 0.0, 0.4, 1.0)}, "box-outside"),
    ],
)
def test_frames_that_do_not_do_have_the_fault_a_video_has(
    recognizer: Recognizer, left: Path, given: dict[str, object], code: str
):
    for video in (left, decoded(left)):
        with pytest.raises(VideoFault) as caught:
            recognizer.predict(video, **given)  # type: ignore[arg-type]
        assert caught.value.code == code


def test_a_batch_holds_an_answer_or_a_reason_for_each(
    recognizer: Recognizer, left: Path, tmp_path: Path
):
    videos = [left, tmp_path / "gone.mp4", left.with_name("right6.mp4"), decoded(left)]

    found = recognizer.predict_batch(videos, top=2)

    assert isinstance(found[1], VideoFault)
    for video, answer in zip(videos, found, strict=True):
        if not isinstance(answer, VideoFault):
            alone = recognizer.predict(video, top=2)
            assert [p.gloss for p in answer] == [p.gloss for p in alone]
            np.testing.assert_allclose([p.score for p in answer], [p.score for p in alone], 1e-5)
    assert recognizer.predict_batch([]) == []


def test_below_the_threshold_it_is_not_sure(recognizer: Recognizer, square_store: Path):
    store = Store.open(square_store)
    val = [row.clip for row in store.splits()["val"]]

    sure = [recognizer.is_sure(recognizer.predict(c.source, start=c.start, end=c.end)) for c in val]

    assert sum(sure) == recognizer.calibration.answered
    assert 1 / 3 < recognizer.threshold < 1


def test_a_table_shows_what_it_is_not_sure_of_and_bad_videos(
    run: Path, left: Path, tmp_path: Path, signflow: Signflow
):
    (tmp_path / "text.mp4").write_text("not a video")
    # A picture that stands still is none of the signs.
    still = tmp_path / "still"
    still.mkdir()
    for number in range(12):
        with av.open(str(still / f"{number}.png"), "w", format="image2") as image:
            stream = image.add_stream("png", rate=1)
            stream.width, stream.height, stream.pix_fmt = 32, 32, "rgb24"
            grey = np.full((32, 32, 3), 90, np.uint8)
            image.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))

    done = signflow("predict", run, tmp_path / "text.mp4", left, still, "--top", "1", "--json")

    text, good, unsure = map(json.loads, done.stdout.splitlines())
    assert text == {
        "file": str(tmp_path / "text.mp4"),
        "error": text["error"],
        "code": "unreadable",
    }
    assert "text.mp4: cannot be read as a video" in text["error"]
    assert good["file"] == str(left)
    assert (good["sure"], good["predictions"][0]["gloss"]) == (True, "left")
    assert unsure["predictions"][0]["score"] < Recognizer.load(run).threshold
    assert unsure["sure"] is False
    table = signflow("predict", run, still, left, "--top", "1").stdout
    assert "not sure" in table
    assert "left" in table


def test_a_stretch_is_recognised_by_the_command_line_too(
    run: Path, recognizer: Recognizer, square_table: Path, signflow: Signflow
):
    twice = square_table.parent / "videos" / "down7.mp4"

    done = signflow("predict", run, twice, "--start", "1.28", "--end", "2.08", "--json")

    (line,) = map(json.loads, done.stdout.splitlines())
    expected = recognizer.predict(twice, start=1.28, end=2.08, top=3)
    assert line["predictions"] == [vars(prediction) for prediction in expected]


def test_when_no_video_can_be_read_the_status_is_1(run: Path, signflow: Signflow):
    done = signflow("predict", run, "gone.mp4", check=False)

    assert done.returncode == 1
    assert "no video could be read" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--top", "0"], "--top 0: must be 1 or more"),
        (["--start", "3", "--end", "2"], "--start, --end: its end"),
        (["--box", "0", "0", "1", "2"], "--box 0 0 1 2: must be"),
        (["--frame-rate", "0"], "--frame-rate 0"),
        ([], "no video given"),
    ],
)
def test_wrong_use_ends_with_status_2(
    run: Path, words: list[str], message: str, signflow: Signflow
):
    done = signflow("predict", run, *(["a.mp4"] if words else []), *words, check=False)

    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such file"), (b"\x08\0\0\0\0\0\0\0{}", "is no model")]
)
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes | None, message: str):
    if content is not None:
        (tmp_path / "model.safetensors").write_bytes(content)

    with pytest.raises(UserError, match=message):
        Recognizer.load(tmp_path)


def test_weights_of_a_net_that_was_another_are_refused(run: Path, tmp_path: Path):
    with safe_open(run / "model.safetensors", "pt") as file:
        header, weights = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    name = next(iter(weights))
    weights[name] = weights[name][..., :1].contiguous()
    save_file(weights, tmp_path / "model.safetensors", header)

    with pytest.raises(UserError, match=r"its weights are not those of .* train again"):
        Recognizer.load(tmp_path)
