from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from videos import Encoding, read_number, write_video

from signflow.video import (
    Span,
    VideoFault,
    decode_spans,
    middle_index,
    sample_centre,
    sample_even,
    sample_floor,
    sample_rate,
    sample_segments,
)


@pytest.mark.parametrize(
    ("n", "count", "positions"),
    [
        (11, 4, [0, 2, 4, 6]),
        (12, 4, [0, 3, 6, 9]),
        (4, 4, [0, 1, 2, 3]),
        (75, 10, [0, 7, 14, 21, 28, 35, 42, 49, 56, 63]),
        (5, 1, [0]),
    ],
)
def test_frames_are_chosen_as_the_report_chose_them(
    n: int, count: int, positions: list[int]
) -> None:
    assert sample_floor(n, count) == positions


@given(count=st.integers(1, 40), extra=st.integers(0, 500))
def test_chosen_frames_lie_inside_at_equal_distances(count: int, extra: int) -> None:
    positions = sample_floor(count + extra, count)
    distances = {b - a for a, b in pairwise(positions)}
    assert len(positions) == count
    assert positions[0] == 0
    assert positions[-1] < count + extra
    assert len(distances) <= 1
    assert all(distance > 0 for distance in distances)


@pytest.mark.parametrize(("n", "count"), [(9, 10), (0, 1), (5, 0), (5, -1)])
def test_frames_that_are_not_there_cannot_be_chosen(n: int, count: int) -> None:
    with pytest.raises(ValueError, match="but"):
        sample_floor(n, count)


@pytest.mark.parametrize(("count", "middle"), [(1, 0), (2, 1), (5, 2), (10, 5)])
def test_the_middle_frame_is_the_later_of_two(count: int, middle: int) -> None:
    assert middle_index(count) == middle


def test_no_frames_have_no_middle() -> None:
    with pytest.raises(ValueError, match="no middle"):
        middle_index(0)


def test_a_span_tells_people_what_it_is() -> None:
    assert str(Span(1.5, None)) == "1.5 s to the end"
    assert str(Span(None, 2)) == "the start to 2 s"


@pytest.mark.parametrize(
    ("choose", "n", "count", "drawn"),
    [
        (sample_even, 11, 4, "x..x...x..x"),
        (sample_even, 12, 4, "x...x..x...x"),
        (sample_even, 4, 4, "xxxx"),
        (sample_even, 5, 1, "..x.."),
        (sample_centre, 11, 4, ".x..x.x..x."),
        (sample_centre, 12, 4, ".x..x..x..x."),
        (sample_centre, 4, 4, "xxxx"),
        (sample_centre, 5, 1, "..x.."),
        (sample_segments, 11, 4, ".x..x.x..x."),
        (sample_segments, 4, 4, "xxxx"),
    ],
)
def test_frames_are_chosen_as_drawn(
    choose: Callable[[int, int], list[int]], n: int, count: int, drawn: str
) -> None:
    assert choose(n, count) == [place for place, mark in enumerate(drawn) if mark == "x"]


@pytest.mark.parametrize("choose", [sample_even, sample_centre])
@given(count=st.integers(1, 64), extra=st.integers(0, 500))
def test_even_and_centred_frames_differ_and_spread_alike(
    choose: Callable[[int, int], list[int]], count: int, extra: int
) -> None:
    n = count + extra
    positions = choose(n, count)
    distances = {b - a for a, b in pairwise(positions)}
    assert len(positions) == count
    assert 0 <= positions[0] <= positions[-1] < n
    assert not distances or (min(distances) > 0 and max(distances) - min(distances) <= 1)
    assert abs(positions[0] - (n - 1 - positions[-1])) <= 1, "as much is left over at both ends"


@pytest.mark.parametrize("choose", [sample_even, sample_centre])
@pytest.mark.parametrize(("n", "count"), [(9, 10), (0, 1), (5, 0)])
def test_no_way_of_choosing_finds_more_frames_than_there_are(
    choose: Callable[[int, int], list[int]], n: int, count: int
) -> None:
    with pytest.raises(ValueError, match="but"):
        choose(n, count)


@pytest.mark.parametrize(
    ("n", "count", "fps", "positions"),
    [
        (9, 4, 25, [2, 3, 4, 5]),
        (9, 4, 12.5, [1, 3, 5, 7]),
        (9, 3, 25, [3, 4, 5]),
        (8, 4, 25, [2, 3, 4, 5]),
        (3, 6, 25, [0, 0, 0, 1, 2, 2]),
        (3, 4, 50, [0, 1, 1, 2]),
        (1, 3, 25, [0, 0, 0]),
        (25, 4, 1, [0, 0, 24, 24]),
    ],
)
@pytest.mark.parametrize("decimals", [9, 3], ids=["exact times", "times to the millisecond"])
def test_a_rate_takes_the_frames_around_the_middle(
    n: int, count: int, fps: float, positions: list[int], decimals: int
) -> None:
    times = np.round(7.321 + np.arange(n) / 25, decimals)
    assert sample_rate(times, count, fps) == positions


@given(
    n=st.integers(16, 300),
    rate=st.sampled_from([23.976, 25.0, 29.97, 50.0, 59.94]),
    shift=st.floats(0, 500),
)
def test_at_the_videos_own_rate_neighbours_are_taken_whatever_the_rounding(
    n: int, rate: float, shift: float
) -> None:
    stamps = np.round(shift + np.arange(n) / rate, 3)
    positions = sample_rate(stamps, 16, rate)
    assert {b - a for a, b in pairwise(positions)} == {1}
    assert abs(positions[0] - (n - 1 - positions[-1])) <= 1


def test_a_rate_goes_by_the_clock_where_frames_come_unevenly() -> None:
    # Ten frames in the first second, then one a second.
    times = np.array([*np.arange(10) / 10, 1.0, 2.0, 3.0, 4.0])
    assert sample_rate(times, 5, 1.0) == [0, 10, 11, 12, 13]


@pytest.mark.parametrize(
    ("stamps", "count", "fps"), [([], 4, 25), ([0.0], 0, 25), ([0.0], 4, 0), ([0.0], 4, np.nan)]
)
def test_a_rate_needs_times_a_count_and_a_speed(
    stamps: list[float], count: int, fps: float
) -> None:
    with pytest.raises(ValueError, match=r"but"):
        sample_rate(np.array(stamps), count, fps)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_a_rate_finds_its_frames_in_real_videos(suffix: str, tmp_path: Path) -> None:
    encoding = Encoding(suffix, rate=Fraction(30000, 1001), options={"bf": "2"}, frames=60)
    path = write_video(tmp_path / "numbers", encoding)
    spans = [Span(), Span(0.5, 0.6), Span(1.0, 1.5)]
    served = dict(decode_spans(path, spans=spans, count=8, fps=30000 / 1001 / 2, size=None))
    shown = [[read_number(f) for f in served[k].frames] for k in range(3)]  # type: ignore[union-attr]
    assert shown[0] == [22, 24, 26, 28, 30, 32, 34, 36]
    assert shown[1] == [15, 15, 15, 15, 17, 17, 17, 17]
    assert shown[2] == [30, 32, 34, 36, 38, 40, 42, 44]


def test_a_stretch_of_one_frame_has_no_motion_at_any_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "numbers", Encoding(".mp4", frames=20))
    ((_, fault),) = decode_spans(path, spans=[Span(0.2, 0.24)], count=8, fps=25, size=None)
    assert isinstance(fault, VideoFault)
    assert fault.code == "too-few-frames"
    assert "holds 1 frames, but 2 are needed" in str(fault)


@pytest.mark.parametrize(("n", "expected"), [(3, [0, 1, 1, 2]), (2, [0, 0, 1, 1]), (1, [0] * 4)])
def test_a_frame_stands_for_several_segments_where_there_are_few(n: int, expected: list[int]):
    assert sample_segments(n, 4) == expected


@pytest.mark.parametrize(("n", "count"), [(0, 4), (4, 0)])
def test_segments_of_nothing_are_refused(n: int, count: int):
    with pytest.raises(ValueError, match="must be at least 1"):
        sample_segments(n, count)
