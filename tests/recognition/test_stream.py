"""The streaming core: where signs are found, what they are taken for, and what it costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from streams import RATE, stream, untrained

from signflow.recognition import GateOptions, Prediction, SpotOptions, Spotted, Spotter, spot_video
from signflow.recognition.gate import MotionGate
from signflow.recognition.windows import WindowMerger
from signflow.store import Recipe
from signflow.video import Farneback

TWO_SIGNS = [("rest", 1.0), ("move", 1.2), ("rest", 1.0), ("move", 0.9), ("rest", 1.0)]
RESTLESS = [("move", 0.6), ("rest", 0.2)] * 10
"""Holds that are too short to end anything."""

WITH_A_HOLD = [("rest", 1.0), ("move", 0.6), ("rest", 0.2), ("move", 0.6), ("rest", 1.0)]


@dataclass(frozen=True)
class Counting:
    """Farneback's flow, which says how often it was computed."""

    name: ClassVar[str] = "counting"
    calls: ClassVar[list[int]] = []

    def between(self, previous_grey: np.ndarray, next_grey: np.ndarray) -> np.ndarray:
        self.calls.append(1)
        return Farneback().between(previous_grey, next_grey)


Answers = tuple[float, Spotted | None, list[Spotted]]


def run(spotter: Spotter, frames: Iterator[tuple[float, np.ndarray]]) -> list[Spotted]:
    found = [sign for time, frame in frames for sign in spotter.push(frame, time)]
    return found + spotter.flush()


def answers(spotter: Spotter, frames: Iterator[tuple[float, np.ndarray]]) -> list[Answers]:
    """For each frame its time, the provisional answer after it, and the signs that it brought."""
    given: list[Answers] = []
    for time, frame in frames:
        found = spotter.push(frame, time)
        given.append((time, spotter.provisional, found))
    return given


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_signs_are_found_where_something_moves(noise: float):
    parts = [("rest", 3.0), *TWO_SIGNS]

    first, second = run(Spotter(untrained()), stream(parts, noise=noise))

    assert (first.start, first.stop) == pytest.approx((4.0, 5.2), abs=0.2)
    assert (second.start, second.stop) == pytest.approx((6.2, 7.1), abs=0.2)


def test_where_nothing_moves_there_is_no_sign():
    assert run(Spotter(untrained()), stream([("rest", 4.0)], noise=4.0)) == []


def test_a_twitch_is_no_sign():
    parts = [("rest", 1.0), ("move", 0.16), ("rest", 1.0)]

    assert run(Spotter(untrained()), stream(parts)) == []


def test_a_spotted_sign_has_the_scores_that_predict_gives_the_stretch():
    for recipe in (
        Recipe(image_size=32),
        Recipe(image_size=32, sampling="even", encoding="jpeg"),
        Recipe(image_size=32, fps=10.0),
    ):
        recognizer = untrained(recipe=recipe)
        frames = np.stack([frame for _, frame in stream(TWO_SIGNS)])

        found = run(Spotter(recognizer), stream(TWO_SIGNS))

        assert len(found) == 2
        for sign in found:
            expected = recognizer.predict(
                frames, start=sign.start, end=sign.stop, frame_rate=RATE, top=5
            )
            assert list(sign.predictions) == expected


def test_a_video_file_gives_what_predict_says_of_it(square_table: Path):
    video = square_table.parent / "videos" / "left7.mp4"
    recognizer = untrained()

    timeline = spot_video(recognizer, video)

    assert len(timeline.signs) == 2
    assert timeline.seconds == pytest.approx(63 / 25)
    assert len(timeline.motion) == 64
    for sign, start in zip(timeline.signs, (0.0, 1.28), strict=True):
        assert (sign.start, sign.stop) == pytest.approx((start, start + 0.8), abs=0.2)
        assert list(sign.predictions) == recognizer.predict(video, start=sign.start, end=sign.stop)


def test_a_frame_costs_one_flow_of_the_recipe_at_most_and_signs_no_more_than_theirs():
    recognizer = untrained(recipe=Recipe(image_size=32, flow=Counting()))
    spotter = Spotter(recognizer)
    Counting.calls.clear()
    most, found = 0, 0
    for time, frame in stream([*TWO_SIGNS, *RESTLESS, ("rest", 1.0)]):
        before = len(Counting.calls)
        found += len(spotter.push(frame, time))
        most = max(most, len(Counting.calls) - before)

    assert found >= 3
    assert most == 1
    Counting.calls.clear()
    run(Spotter(recognizer), stream(TWO_SIGNS))
    assert len(Counting.calls) == 2 * 9


def test_an_answer_comes_as_soon_as_the_gate_knows_that_the_sign_has_ended():
    spotter = Spotter(untrained())

    (answered,) = (t for t, f in stream(TWO_SIGNS[:3]) for _ in spotter.push(f, t))

    # 0.3 s of rest, and nine flows in as many frames from its beginning on.
    assert answered <= 2.2 + 0.3 + 0.2


def test_a_provisional_answer_comes_at_once_and_is_confirmed_as_it_is():
    given = answers(Spotter(untrained(), provisional_after=0.0), stream(TWO_SIGNS[:3]))

    ((confirmed, sign),) = [(time, sign) for time, _, found in given for sign in found]
    standing = [time for time, provisional, _ in given if provisional is sign]  # not like it: it
    assert [time for time, provisional, _ in given if provisional is not None] == standing
    assert standing[0] <= 2.2 + 0.1
    assert confirmed == pytest.approx(standing[0] + 0.32, abs=0.01)
    assert standing[-1] == pytest.approx(confirmed - 1 / RATE)


def test_a_provisional_answer_may_wait_for_some_rest():
    early, late = (
        next(time for time, said, _ in answers(spotter, stream(TWO_SIGNS[:3])) if said)
        for spotter in (Spotter(untrained(), provisional_after=after) for after in (0.0, 0.1))
    )

    assert late == pytest.approx(early + 0.12)


def test_a_provisional_answer_is_withdrawn_where_motion_goes_on():
    given = answers(Spotter(untrained(), provisional_after=0.0), stream(WITH_A_HOLD))

    said = [provisional for _, provisional, _ in given]
    changes = [now for before, now in pairwise(said) if now is not before]
    early, none, late, end = changes
    assert (none, end) == (None, None)
    assert early is not None
    assert late is not None
    assert (early.start, early.stop) == pytest.approx((late.start, 1.6), abs=0.1)
    assert [sign for _, _, found in given for sign in found] == [late]


def test_a_hold_that_comes_far_too_early_for_the_signs_of_this_stream_gets_no_answer():
    hold = [("move", 0.5), ("rest", 0.2), ("move", 0.6), ("rest", 1.0)]

    for before, expected in ([], 2), ([("move", 1.2), ("rest", 1.0)], 2):
        spotter = Spotter(untrained(), provisional_after=0.0)
        given = answers(spotter, stream([("rest", 1.0), *before, *hold]))
        said = {(sign.start, sign.stop) for _, sign, _ in given if sign is not None}
        found = {(sign.start, sign.stop) for _, _, signs in given for sign in signs}
        # At first all that may be a sign; then the long sign, and the end of the one with a hold.
        assert len(said) == expected
        assert (said == found) == bool(before)


@pytest.mark.parametrize("longer", [False, True], ids=["rest at the end", "cut off"])
@pytest.mark.parametrize("parts", [TWO_SIGNS, WITH_A_HOLD, [("rest", 1.0), *RESTLESS]])
def test_provisional_answers_change_nothing_in_what_is_found(
    parts: list[tuple[str, float]], longer: bool
):
    parts = [*parts, ("rest", 0.4), ("move", 0.6), ("rest", 0.1)] if longer else parts
    recognizer = untrained()

    expected = run(Spotter(recognizer), stream(parts))

    assert expected
    assert run(Spotter(recognizer, provisional_after=0.0), stream(parts)) == expected


def test_what_is_no_sign_gets_no_provisional_answer_either():
    parts = [("rest", 1.0), ("move", 0.16), ("rest", 1.0)]

    given = answers(Spotter(untrained(), provisional_after=0.0), stream(parts))

    assert {provisional for _, provisional, _ in given} == {None}


def test_with_provisional_answers_no_flow_is_computed_twice():
    recognizer = untrained(recipe=Recipe(image_size=32, flow=Counting()))
    Counting.calls.clear()

    found = run(Spotter(recognizer, provisional_after=0.0), stream(TWO_SIGNS))

    assert len(found) == 2
    assert len(Counting.calls) == 2 * 9


@pytest.mark.parametrize("after", [-0.1, 0.3, float("nan")])
def test_a_provisional_answer_after_the_final_one_is_refused(after: float):
    with pytest.raises(ValueError, match=r"must be 0 or more, and less than still_seconds, 0.3"):
        Spotter(untrained(), provisional_after=after)


@pytest.mark.parametrize("parts", [[("rest", 24.0)], RESTLESS * 3], ids=["rest", "restless"])
def test_memory_does_not_grow_with_the_stream(parts: list[tuple[str, float]]):
    spotter = Spotter(untrained())
    held = []
    for time, frame in stream([("rest", 1.0), *parts]):
        spotter.push(frame, time)
        held.append(len(spotter._ring) + 10 * len(spotter._looks))

    assert max(held[15 * RATE :]) <= max(held[: 10 * RATE])
    assert max(held) <= 3 * RATE


def test_signing_without_rest_is_looked_at_through_windows():
    spotter = Spotter(untrained())

    found = run(spotter, stream([("rest", 1.0), *RESTLESS, ("rest", 1.0)]))

    assert found
    assert all(0.9 <= sign.start < sign.stop <= 9.3 for sign in found)
    ends = [sign.stop for sign in found]
    assert all(
        start >= stop for start, stop in zip([s.start for s in found[1:]], ends, strict=False)
    )
    assert ends[-1] == pytest.approx(9.0, abs=0.8)


def test_a_sign_at_the_end_of_a_stream_is_not_lost_and_the_next_stream_begins_anew():
    spotter = Spotter(untrained())
    parts = [("rest", 1.0), ("move", 1.0)]

    (sign,) = run(spotter, stream(parts))
    (again,) = run(spotter, stream(parts))

    assert sign.stop == pytest.approx(2.0)
    assert again == sign


def test_what_is_below_the_threshold_is_not_sure():
    (sign,) = run(Spotter(untrained(threshold=1.1)), stream(TWO_SIGNS[:3]))

    assert (sign.sure, sign.gloss) == (False, None)
    assert sign.score == sign.predictions[0].score


def test_a_stream_may_begin_at_any_time():
    found = run(Spotter(untrained()), stream(TWO_SIGNS, start=1e6))

    assert [round(sign.start - 1e6) for sign in found] == [1, 3]


@pytest.mark.parametrize(
    ("frame", "time", "message"),
    [
        (np.zeros((8, 8), np.uint8), 1.0, r"uint8 \(8, 8\)"),
        (np.zeros((8, 8, 3), np.float32), 1.0, "float32"),
        (np.zeros((8, 8, 3), np.uint8), 0.5, "time is 0.5; must be 0 or more and above 0.5"),
        (np.zeros((8, 8, 3), np.uint8), float("nan"), "time is nan"),
    ],
)
def test_what_is_no_next_frame_is_refused(frame: np.ndarray, time: float, message: str):
    spotter = Spotter(untrained())
    spotter.push(np.zeros((8, 8, 3), np.uint8), 0.5)

    with pytest.raises(ValueError, match=message):
        spotter.push(frame, time)


def opened(speeds: list[float], options: GateOptions) -> list[tuple[float, float]]:
    """Let a gate see a speed every 20 ms; return the stretches that it was open for."""
    gate, found = MotionGate(options), []
    for number, speed in enumerate(speeds):
        gate.push(speed, number / 50)
        if gate.start is not None and gate.has_ended:
            found += [(gate.start, gate.still_since or 0.0)] if gate.is_sign else []
            gate.close()
    return found


OPTIONS = GateOptions(opens=4, closes=2, least_speed=0.1, still_seconds=0.4, pad_seconds=0)


@pytest.mark.parametrize(
    ("floor", "speeds", "signs"),
    [
        (0.01, [0.5] * 50, 1),
        # A hold shorter than still_seconds belongs to the sign, a longer one ends it.
        (0.01, [0.5] * 25 + [0.01] * 15 + [0.5] * 25, 1),
        (0.01, [0.5] * 25 + [0.01] * 30 + [0.5] * 25, 2),
        # Between the two levels it neither opens nor closes.
        (0.05, [0.15] * 50, 0),
        (0.05, [0.5] * 25 + [0.15] * 40 + [0.5] * 25, 1),
        # What is a sign before a still camera is noise before a shaking one.
        (0.01, [0.3] * 40, 1),
        (0.2, [0.3] * 40, 0),
        (0.2, [1.5] * 40, 1),
        # However still the rest, a breath is no sign.
        (0.0, [0.05] * 50, 0),
    ],
)
def test_the_gate_adapts_to_the_rest_and_does_not_chatter(
    floor: float, speeds: list[float], signs: int
):
    rest = [floor] * 150

    assert len(opened(rest + speeds + rest, OPTIONS)) == signs


def test_a_stream_may_begin_in_the_middle_of_a_sign():
    ((start, stop),) = opened([0.5] * 60 + [0.01] * 50, OPTIONS)

    assert (start, stop) == pytest.approx((0.0, 1.2), abs=0.2)


def test_the_gate_says_when_motion_began_and_ended():
    ((start, stop),) = opened([0.01] * 100 + [0.5] * 50 + [0.01] * 50, OPTIONS)

    assert (start, stop) == pytest.approx((2.0, 3.0), abs=0.2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"closes": 9.0}, "closes is 9.0 and opens 3.0"),
        ({"least_speed": -1.0}, "least_speed is -1.0; must be 0 or more"),
        ({"pad_seconds": 0.4}, "pad_seconds is 0.4; must be at most half of still_seconds"),
    ],
)
def test_gate_options_out_of_range_are_refused(values: dict[str, float], message: str):
    with pytest.raises(ValueError, match=message):
        GateOptions(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sign_seconds": 0.0}, "sign_seconds is 0.0"),
        ({"longest": 0.5}, "longest is 0.5"),
        ({"top": 0}, "top is 0"),
    ],
)
def test_spot_options_out_of_range_are_refused(values: dict[str, float], message: str):
    with pytest.raises(ValueError, match=message):
        SpotOptions(**values)


def window(start: float, gloss: str, score: float = 0.9, *, sure: bool = True) -> Spotted:
    return Spotted(start=start, stop=start + 1, predictions=(Prediction(gloss, score),), sure=sure)


def test_neighbouring_windows_of_one_sign_are_that_sign_once():
    merger, found = WindowMerger(), []
    windows = [
        window(0.0, "like", 0.8),
        window(0.25, "like", 0.95),
        window(0.5, "deaf", 0.3, sure=False),
        window(0.75, "deaf", 0.9),
        window(1.0, "deaf", 0.9),
        window(1.25, "want", 0.4, sure=False),
    ]
    for each in windows:
        found += merger.push(each)
    found += merger.flush()

    assert [(sign.gloss, sign.score) for sign in found] == [("like", 0.95), ("deaf", 0.9)]
    assert (found[0].start, found[0].stop) == (0.125, 1.125)
    assert (found[1].start, found[1].stop) == (1.125, 1.875)
    assert merger.flush() == []


def test_windows_of_one_sign_that_lie_far_apart_are_a_long_sign():
    merger = WindowMerger()
    for number in range(9):
        merger.push(window(number / 4, "like"))

    (sign,) = merger.flush()

    assert (sign.start, sign.stop) == (0.5, 2.5)


def test_a_sign_begins_where_the_one_before_ends():
    merger = WindowMerger()
    merger.push(window(0.0, "like"))

    found = [*merger.push(window(0.5, "deaf")), *merger.flush()]

    assert [(sign.start, sign.stop) for sign in found] == [(0.0, 1.0), (1.0, 1.5)]
