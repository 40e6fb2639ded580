"""A copy is told from another take by how it moves."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audit.films import (
    Pictures,
    brighter,
    circle,
    late_circle,
    mirrored,
    pictures,
    resized,
    wave,
    with_bars,
    write,
)
from signflow.annotations import Clip
from signflow.audit.candidates import describe, find_candidates
from signflow.audit.matching import COPY_SCORE, NO_MATCH, match
from signflow.audit.sketches import MOST_FRAMES, SIDE, Sketch, make_sketch, sketch_videos


def sketch_of(path: Path) -> Sketch:
    clip = Clip(clip_id="clip", source=str(path), label=0, gloss="", split="train")
    ((_, sketch),) = sketch_videos([clip])
    assert sketch is not None
    return sketch


def candidates(*sketches: Sketch) -> list[tuple[int, int]]:
    seconds = np.array([each.times[-1] for each in sketches])
    return list(find_candidates(np.stack([describe(each) for each in sketches]), seconds))


COPIES: dict[str, tuple[Callable[[Pictures], Pictures], int, int]] = {
    "encoded anew": (list, 25, 34),
    "smaller": (lambda drawn: resized(drawn, 64, 48), 25, 23),
    "squashed": (lambda drawn: resized(drawn, 128, 64), 25, 23),
    "trimmed": (lambda drawn: drawn[2:-3], 25, 23),
    "brighter": (brighter, 25, 23),
    "mirrored": (mirrored, 25, 23),
    "with black bars": (with_bars, 25, 23),
    "cut": (lambda drawn: [each[4:-4, 4:-6] for each in drawn], 25, 23),
}


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_found_and_called_one(kind: str, tmp_path: Path):
    change, fps, crf = COPIES[kind]
    drawn = pictures(circle)
    original = sketch_of(write(tmp_path / "original.mp4", drawn))
    copy = sketch_of(write(tmp_path / "copy.mp4", change(drawn), fps=fps, crf=crf))

    found = match(original, copy)

    assert found.score >= COPY_SCORE
    assert found.mirrored == (kind == "mirrored")
    assert candidates(original, copy) == [(0, 1)]


@pytest.mark.parametrize(
    ("path", "seed"),
    [(late_circle, 0), (wave, 0), (circle, 1), (lambda part: circle(1 - part), 0)],
    ids=["another rhythm", "another motion", "another scene and square", "backwards"],
)
def test_another_take_is_no_copy(path: Callable, seed: int, tmp_path: Path):
    first = sketch_of(write(tmp_path / "first.mp4", pictures(circle)))
    second = sketch_of(write(tmp_path / "second.mp4", pictures(path, seed=seed)))

    assert match(first, second).score < COPY_SCORE


def test_a_trimmed_copy_says_how_far_it_was_shifted(tmp_path: Path):
    drawn = pictures(circle)
    original = sketch_of(write(tmp_path / "original.mp4", drawn))
    copy = sketch_of(write(tmp_path / "copy.mp4", drawn[4:]))

    assert match(original, copy).shift == pytest.approx(4 / 25, abs=0.02)


def test_clips_that_stand_still_are_not_compared(tmp_path: Path):
    still = sketch_of(write(tmp_path / "still.mp4", [pictures(circle)[0]] * 40))

    assert match(still, still) == NO_MATCH


def test_half_a_clip_is_no_copy_of_it(tmp_path: Path):
    drawn = pictures(circle)
    whole = sketch_of(write(tmp_path / "whole.mp4", drawn))
    half = sketch_of(write(tmp_path / "half.mp4", drawn[:20]))

    assert match(whole, half) == NO_MATCH
    assert candidates(whole, half) == []


def test_a_sketch_is_small_and_without_black_borders():
    pictured = np.zeros((12, 60, 80, 3), dtype=np.uint8)
    pictured[:, 10:50, 20:60] = 200

    sketch = make_sketch(pictured, np.arange(12) / 25 + 3)

    assert sketch.frames.shape == (12, SIDE, SIDE)
    assert (sketch.frames == 200).all()
    assert sketch.times[0] == 0


def test_a_long_clip_has_no_larger_sketch(tmp_path: Path):
    sketch = sketch_of(write(tmp_path / "long.mp4", pictures(circle, frames=100)))

    assert sketch.frames.shape == (MOST_FRAMES, SIDE, SIDE)
    assert sketch.times[-1] == pytest.approx(99 / 25)


def test_pairs_are_found_across_blocks():
    random = np.random.default_rng(0)
    descriptions = random.random((2500, 2, 8, 8), dtype=np.float32)
    descriptions[2400] = descriptions[3]
    descriptions[1030] = descriptions[1020][..., ::-1]

    found = set(find_candidates(descriptions, np.full(2500, 2.0)))

    assert {(3, 2400), (1020, 1030)} <= found
    assert all(first < second for first, second in found)
