"""Live streams, and which recogniser is in use."""

import base64
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from squares import Signflow, write_square_video

from signflow.app.config import AppConfig
from signflow.app.job import Job, State
from signflow.app.live import MOST_STREAMS, LiveStreams
from signflow.app.recognisers import Recognisers
from signflow.app.recordings import Recordings
from signflow.app.trainings import Trainings
from signflow.errors import UserError
from signflow.recognition import Recognizer


@pytest.fixture(scope="module")
def run(square_store: Path, tmp_path_factory: pytest.TempPathFactory, signflow: Signflow) -> Path:
    out = tmp_path_factory.mktemp("runs") / "given"
    words = ("--model", "temporal", "--batch-size", "8", "--lr", "1e-3", "--epochs", "2")
    signflow("train", square_store, *words, "--out", out)
    return out


def recognisers(folder: Path, run: Path | None) -> Recognisers:
    config = AppConfig(folder=folder, run=run, device="cpu")
    recordings = Recordings(config.clips, limits=config.limits, frames=10)
    return Recognisers(config, Trainings(config, recordings))


@pytest.fixture
def streams(run: Path, tmp_path: Path) -> LiveStreams:
    return LiveStreams(recognisers(tmp_path, run))


def jpeg(picture: np.ndarray) -> str:
    _, data = cv2.imencode(".jpg", picture[..., ::-1])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def test_signs_between_rests_are_named_once_each(streams: LiveStreams, run: Path, tmp_path: Path):
    video = write_square_video(tmp_path / "live.mp4", gloss="left")
    with av.open(str(video)) as container:
        sign = [jpeg(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    pictures = 3 * [*40 * [sign[0]], *sign, *40 * [sign[-1]]]
    answers = [
        streams.look({"id": "a", "time": number / 25, "image": picture})
        for number, picture in enumerate(pictures)
    ]

    assert not any("error" in answer for answer in answers)
    assert {answer["signing"] for answer in answers} == {True, False}
    signs = [sign for answer in answers for sign in answer["signs"]]
    assert signs
    assert {sign["gloss"] for sign in signs} <= set(Recognizer.load(run, device="cpu").classes)
    for sign, following in pairwise(signs):
        assert sign["start"] < sign["stop"] <= following["stop"]
    # Each was said provisionally first, and nothing is provisional once it was said for good.
    provisional = [answer["provisional"] for answer in answers]
    assert all(sign in provisional for sign in signs)
    assert not any(answer["signs"] and answer["provisional"] for answer in answers)


GOOD = {"id": "a", "time": 1.0, "image": jpeg(np.zeros((24, 32, 3), np.uint8))}
_HUGE = b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff" + bytes(20)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": ""}, "id must be"),
        ({"id": "x" * 65}, "id must be"),
        ({"id": 5}, "id must be"),
        ({"time": -1}, "time must be"),
        ({"time": "now"}, "time must be"),
        ({"time": float("nan")}, "time must be"),
        ({"image": None}, "image must begin"),
        ({"image": "data:image/jpeg;base64,!!"}, "no JPEG"),
        ({"image": "data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8").decode()}, "no JPEG"),
        ({"image": "data:image/jpeg;base64," + base64.b64encode(_HUGE).decode()}, "65535 x 65535"),
    ],
)
def test_what_is_no_picture_is_answered_in_words(
    streams: LiveStreams, changes: dict[str, Any], said: str
):
    assert said in streams.look({**GOOD, **changes})["error"]
    assert "sent as" in streams.look([])["error"]


def test_a_picture_that_comes_too_late_and_a_stream_too_many_are_refused(streams: LiveStreams):
    assert "error" not in streams.look(GOOD)
    assert "too late" in streams.look(GOOD)["error"]
    for number in range(1, MOST_STREAMS):
        assert "error" not in streams.look({**GOOD, "id": f"other {number}"})
    assert "people look at this tab" in streams.look({**GOOD, "id": "one more"})["error"]
    assert "error" not in streams.look({**GOOD, "time": 2.0})


def test_the_run_that_was_given_is_used_until_a_training_completes(run: Path, tmp_path: Path):
    def complete(number: int) -> Path:
        job = Job(tmp_path / "trainings" / f"{number:03d}")
        shutil.copytree(run, job.run_path)
        job.write_state(State(phase="done"))
        return job.run_path

    complete(1)
    used = recognisers(tmp_path, run)
    current = used.current()
    assert current is not None
    assert (current.run, current.name) == (run, "given")

    path = complete(2)
    current = used.current()
    assert current is not None
    assert (current.run, current.name) == (path, "training 2")
    again = recognisers(tmp_path, None).current()
    assert again is not None
    assert again.name == "training 2"


def test_without_a_run_it_says_what_to_do(tmp_path: Path, run: Path):
    nothing = recognisers(tmp_path, None)
    video = write_square_video(tmp_path / "clip.mp4", gloss="left")
    with pytest.raises(UserError, match="Record some signs and train"):
        nothing.recognise(video, top=3)
    assert "no recogniser yet" in LiveStreams(nothing).look(GOOD)["error"]

    found = recognisers(tmp_path, run).recognise(video, top=3)
    assert len(found.guesses) == 3
    assert len(found.strip.frames) == 10
    assert found.sure == (found.guesses[0].score >= found.threshold)
    text = tmp_path / "text.mp4"
    text.write_text("text")
    with pytest.raises(UserError, match="clip it: cannot be read"):
        recognisers(tmp_path, run).recognise(text, top=3, name="clip it")


def test_not_sure_is_shown_as_such(tmp_path: Path, run: Path):
    from signflow.app import fragments

    video = write_square_video(tmp_path / "clip.mp4", gloss="left")
    found = recognisers(tmp_path, run).recognise(video, top=3)

    unsure = fragments.answer(replace(found, sure=False, threshold=0.99))
    assert ">Not sure</div>" in unsure
    assert "from 99% on it would be said" in unsure
    assert ">Not sure</div>" not in fragments.answer(replace(found, sure=True))
