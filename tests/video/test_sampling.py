from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signflow.video import Span, middle_index, sample_floor


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
