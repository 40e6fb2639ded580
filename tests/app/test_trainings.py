"""A training runs in a process of its own, one at a time, and survives a kill."""

import csv
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from squares import MOTIONS, write_square_video

from signflow.app.config import AppConfig
from signflow.app.job import Job
from signflow.app.limits import Limits
from signflow.app.plan import missing_clips, plan_training, with_enough_steps
from signflow.app.recordings import Recordings
from signflow.app.trainings import Trainings
from signflow.errors import UserError
from signflow.recognition import Recognizer
from signflow.store import Recipe
from signflow.training import TrainConfig

SMALL = TrainConfig(model="temporal", epochs=2, learning_rate=1e-3)


def record(folder: Path, *, signers: tuple[str, ...], clips: int) -> Recordings:
    """Put square videos where the page would put its clips."""
    seed = 0
    for gloss in MOTIONS:
        for signer in signers:
            for number in range(1, clips + 1):
                seed += 1
                path = folder / gloss / f"{signer}-{number:02d}.mp4"
                write_square_video(path, gloss=gloss, seed=seed)
    return Recordings(folder, limits=Limits(), frames=10)


@pytest.fixture
def config(tmp_path: Path) -> AppConfig:
    recipe = Recipe(image_size=32)
    return AppConfig(
        folder=tmp_path / "signs", recipe=recipe, train=SMALL, least_steps=0, device="cpu"
    )


@pytest.fixture
def start(config: AppConfig) -> Iterator[Callable[..., Trainings]]:
    opened = []

    def make(config: AppConfig = config) -> Trainings:
        recordings = Recordings(config.clips, limits=config.limits, frames=10)
        opened.append(Trainings(config, recordings))
        return opened[-1]

    yield make
    for trainings in opened:
        trainings.close()


def until(holds: Callable[[], bool], *, seconds: float = 300) -> None:
    """Wait for something to come true."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.02)


def test_clips_become_a_recogniser_while_a_second_training_is_refused(
    config: AppConfig, start: Callable[..., Trainings]
):
    record(config.clips, signers=("Ana",), clips=4)
    trainings = start()

    assert trainings.latest().standing == "none"
    assert trainings.start().standing == "running"
    for other in (trainings, start()):
        until(lambda other=other: other.latest().standing == "running")
        with pytest.raises(UserError, match="one runs at a time"):
            other.start()
    trainings.wait(300)

    done = start().latest()  # of a server that is started anew
    assert (done.standing, done.state.epoch, done.state.epochs) == ("done", 2, 2)
    assert (done.state.train_clips, done.state.val_clips) == (9, 3)
    assert done.state.mixed_because == "that takes 3 signers, and there is 1"
    ((number, run),) = trainings.finished()
    assert number == 1
    assert Recognizer.load(run, device="cpu").classes == tuple(sorted(MOTIONS))


def test_a_killed_training_goes_on_where_it_was(config: AppConfig, start: Callable[..., Trainings]):
    record(config.clips, signers=("Ana",), clips=4)
    trainings = start()
    trainings.start()
    until(lambda: trainings.latest().state.phase == "learning")
    assert trainings._process is not None
    os.kill(trainings._process.pid, signal.SIGKILL)
    trainings.wait(60)

    latest = trainings.latest()
    if latest.standing == "done":
        pytest.skip("it was done before it was killed")
    assert latest.standing == "interrupted"
    assert "SIGKILL" in latest.state.message

    for path in (config.clips / "down").iterdir():
        path.rename(path.with_name(f"later-{path.name}"))  # what comes later changes nothing
    again = start()
    assert again.latest().standing == "interrupted"
    again.go_on()
    again.wait(300)
    assert again.latest().standing == "done"
    assert again.latest().number == 1


def test_a_cancelled_training_ends_and_can_be_taken_up(
    config: AppConfig, start: Callable[..., Trainings]
):
    record(config.clips, signers=("Ana",), clips=4)
    trainings = start()
    with pytest.raises(UserError, match="No training is under way"):
        trainings.cancel()
    trainings.start()

    cancelled = trainings.cancel()

    assert cancelled.standing == "cancelled"
    assert cancelled.can_go_on
    assert trainings.finished() == []
    assert trainings.latest().standing == "cancelled"


def test_a_training_ends_with_the_page(config: AppConfig, start: Callable[..., Trainings]):
    record(config.clips, signers=("Ana",), clips=4)
    trainings = start()
    trainings.start()
    process = trainings._process
    assert process is not None
    assert process.stdin is not None

    process.stdin.close()  # as the system does when the page's process is gone

    assert process.wait(300) != 0 or trainings.latest().standing == "done"


def test_a_training_that_fails_says_why(config: AppConfig, start: Callable[..., Trainings]):
    record(config.clips, signers=("Ana",), clips=4)
    trainings = start()
    trainings.start()
    trainings.cancel()
    (config.trainings / "001" / "job.json").write_text("{}")

    trainings.go_on()
    trainings.wait(300)

    assert trainings.latest().standing == "failed"
    assert "train anew" in trainings.latest().state.message


def test_too_few_clips_are_refused_with_how_many_are_needed(tmp_path: Path):
    recordings = record(tmp_path / "clips", signers=("Ana",), clips=2)

    assert "none yet" in missing_clips({})
    with pytest.raises(UserError, match=r"with 4 clips of each\. Down has 2 of 4; left has 2 of 4"):
        plan_training(recordings.folder, recordings.glosses())
    assert "only one sign" in missing_clips({"left": recordings.glosses()["left"]})


def test_from_three_signers_on_validation_is_of_one_who_is_not_learnt_from(tmp_path: Path):
    recordings = record(tmp_path / "clips", signers=("Ana", "Ivo", "Mia"), clips=2)

    plan = plan_training(recordings.folder, recordings.glosses())

    assert plan.apart
    by_split = {
        split: {c.group for c in plan.clips if c.split == split} for split in ("train", "val")
    }
    assert not by_split["train"] & by_split["val"]
    assert [len(by_split["train"]), len(by_split["val"])] == [2, 1]


def test_signers_who_share_no_signs_are_not_kept_apart(tmp_path: Path):
    for gloss, signer in zip(MOTIONS, ("Ana", "Ivo", "Mia"), strict=True):
        for number in range(4):
            write_square_video(tmp_path / gloss / f"{signer}-{number}.mp4", gloss=gloss)
    recordings = Recordings(tmp_path, limits=Limits(), frames=10)

    plan = plan_training(tmp_path, recordings.glosses())

    assert (plan.apart, plan.count("train"), plan.count("val")) == (False, 9, 3)
    assert plan.mixed_because == "not enough signers recorded the same signs"


def test_few_clips_get_more_epochs():
    assert with_enough_steps(SMALL, clips=16, least_steps=0).epochs == 2
    assert with_enough_steps(SMALL, clips=17, least_steps=50).epochs == 25
    assert with_enough_steps(SMALL, clips=1, least_steps=10_000).epochs == 200


def test_the_table_of_a_training_says_who_signs(config: AppConfig, start: Callable[..., Trainings]):
    record(config.clips, signers=("Ana", "Ivo", "Mia"), clips=2)
    trainings = start()
    trainings.start()
    trainings.cancel()

    with Job(config.trainings / "001").clips_path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["signer"] for row in rows} == {"Ana", "Ivo", "Mia"}
