import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from signflow.errors import UserError
from signflow.evaluation.picture import clip_picture, listed_guesses, write_clip_picture
from signflow.evaluation.strip import clip_strip, colour_wheel
from signflow.store import Sample, Store


def moving(frames: int, *, side: int = 16) -> Sample:
    """A sample whose flow is 127 steps to the right in every pixel."""
    flow = np.full((frames - 1, side, side, 2), 128, dtype=np.uint8)
    flow[..., 0] = 255
    stills = np.repeat(np.arange(frames, dtype=np.uint8), side * side * 3)
    return Sample(clip_id="right", label=0, frames=stills.reshape(frames, side, side, 3), flow=flow)


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def drawn(sample: Sample, **options: object) -> bytes:
    fixed = {"classes": ("right", "left"), "flow_bound": 20.0, "title": "t", "guesses": None}
    return clip_picture(sample, **{**fixed, **options})  # type: ignore[arg-type]


def test_a_picture_of_ten_frames_is_wide_enough_for_them_and_the_guesses() -> None:
    without = size_of(drawn(moving(10)))
    beside = size_of(drawn(moving(10), guesses=[("right", 0.8), ("left", 0.2)]))
    assert without == (1695, 435)
    assert beside == (2100, 435)


def test_the_same_clip_gives_the_same_picture() -> None:
    assert drawn(moving(4)) == drawn(moving(4))


def test_titles_with_dollars_and_letters_of_any_script_are_drawn_as_they_are() -> None:
    plain = drawn(moving(4), title="")
    # Read as formulas, the first would stop the drawing.
    for title in (r"$\nothing$", "$", "ljubičasta", "手話", "سلام"):
        assert drawn(moving(4), title=title) != plain


def test_more_frames_than_fit_are_thinned_evenly_with_the_flow_that_starts_at_them() -> None:
    strip = clip_strip(moving(64), flow_bound=20.0)
    assert strip.frames.shape == (10, 16, 16, 3)
    assert strip.flow.shape == (9, 16, 16, 3)
    assert strip.numbers[0] == 1
    assert strip.numbers[-1] == 63
    assert not strip.is_whole
    steps = np.diff(strip.numbers)
    assert steps.max() - steps.min() <= 1
    assert strip.frames[:, 0, 0, 0].tolist() == [number - 1 for number in strip.numbers]


def test_two_frames_are_enough_for_a_picture() -> None:
    strip = clip_strip(moving(2), flow_bound=20.0)
    assert strip.is_whole
    assert size_of(drawn(moving(2)))[0] > 300


def test_the_scale_of_the_colours_is_in_pixels() -> None:
    assert clip_strip(moving(5), flow_bound=12.5).full_colour == pytest.approx(12.5, rel=0.01)


def test_a_still_clip_stays_pale() -> None:
    sample = moving(5)
    still = Sample(
        clip_id="still", label=0, frames=sample.frames, flow=np.full_like(sample.flow, 128)
    )
    strip = clip_strip(still, flow_bound=20.0)
    assert strip.full_colour == 1.0
    assert strip.flow.min() == 255


def test_motion_has_the_colour_of_its_direction_on_the_wheel() -> None:
    strip = clip_strip(moving(3), flow_bound=20.0)
    wheel = colour_wheel(101)
    of_right = wheel[50, 99].astype(int)
    assert np.abs(strip.flow[0, 0, 0] - of_right).max() < 20
    assert wheel[0, 0].tolist() == [255, 255, 255]
    assert np.abs(wheel[50, 1].astype(int) - of_right).max() > 100


def test_the_true_gloss_is_listed_also_when_it_ranks_low() -> None:
    guesses = [(f"sign {number}", 0.1) for number in range(10)]
    assert [rank for rank, _, _ in listed_guesses(guesses, "sign 8")] == [1, 2, 3, 4, 5, 9]
    assert [rank for rank, _, _ in listed_guesses(guesses, "sign 2")] == [1, 2, 3, 4, 5]


def test_a_clip_of_a_store_is_written_as_a_picture(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "pictures" / "ljubičasta.png"
    assert write_clip_picture(store, "test/ljubičasta/0", out) == out
    picture = cv2.imdecode(np.frombuffer(out.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    # The square is bright in the frames; its motion is coloured below them.
    assert picture.shape[:2] == size_of(out.read_bytes())[::-1]
    below = picture[picture.shape[0] // 2 :].astype(int)
    assert (below.max(axis=2) - below.min(axis=2)).max() > 100


def test_an_unknown_clip_is_answered_with_close_ones(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no clip 'test/ljubicasta/0'; did you mean test/ljub"):
        write_clip_picture(store, "test/ljubicasta/0", tmp_path / "a.png")
    with pytest.raises(UserError, match="has no clip 'xyz'; it has val/ljubičasta/0"):
        write_clip_picture(store, "xyz", tmp_path / "a.png")


def test_a_clip_that_was_not_built_is_answered_with_its_reason(
    store: Store, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"was not built \(.*gone\.mp4"):
        write_clip_picture(store, "test/ljubičasta/2", tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
