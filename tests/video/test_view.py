"""What is cut out of a picture, and how it fills the stored one: by real videos."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from videos import Encoding, read_number, write_video

from signflow.video import DecodedSpan, Span, View, decode_spans, square_window

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 200, 30), (30, 30, 200), (220, 220, 220)


def quarters(height: int, width: int) -> NDArray[np.uint8]:
    """Red and green above, blue and white below."""
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    picture[: height // 2, : width // 2] = RED
    picture[: height // 2, width // 2 :] = GREEN
    picture[height // 2 :, : width // 2] = BLUE
    picture[height // 2 :, width // 2 :] = WHITE
    return picture


@pytest.fixture(scope="module")
def write_quarters(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("quarters")

    def write(height: int, width: int, *, turned: int = 0) -> Path:
        path = folder / f"{height}x{width}-{turned}.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"crf": "5"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv444p"
            stream.set_display_rotation(turned)
            for _ in range(6):
                frame = av.VideoFrame.from_ndarray(quarters(height, width), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


def decode_one(path: Path, **how: object) -> NDArray[np.uint8]:
    ((_, result),) = decode_spans(path, spans=[Span()], count=2, **how)  # type: ignore[arg-type]
    assert isinstance(result, DecodedSpan)
    first: NDArray[np.uint8] = result.frames[0]
    return first


def is_all(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> bool:
    return bool((np.abs(picture.astype(int) - colour) < 12).all())


@pytest.mark.parametrize(
    ("box", "margin", "window"),
    [
        # A box of 50 x 20 pixels in a picture of 100 x 200: a square of 50, of 60, of 100.
        ((0.25, 0.4, 0.75, 0.5), 0.0, (25, 75, 65, 115)),
        ((0.25, 0.4, 0.75, 0.5), 0.1, (20, 80, 60, 120)),
        ((0.25, 0.4, 0.75, 0.5), 0.5, (0, 100, 40, 140)),
        # It would leave the picture on the left, on the right, above, below: shifted inward.
        ((0.25, 0.0, 0.75, 0.1), 0.1, (20, 80, 0, 60)),
        ((0.25, 0.9, 0.75, 1.0), 0.1, (20, 80, 140, 200)),
        ((0.0, 0.4, 0.5, 0.5), 0.1, (0, 60, 60, 120)),
        ((0.5, 0.4, 1.0, 0.5), 0.1, (40, 100, 60, 120)),
        # Taller than the picture: limited to it, and as wide as it was meant to be.
        ((0.0, 0.4, 1.0, 0.5), 0.1, (0, 100, 30, 150)),
        ((0.0, 0.0, 1.0, 1.0), 0.0, (0, 100, 0, 200)),
    ],
)
def test_a_box_becomes_a_square_inside_the_picture(
    box: tuple[float, float, float, float], margin: float, window: tuple[int, int, int, int]
) -> None:
    rows, columns = square_window(box, height=100, width=200, margin=margin)
    assert (rows.start, rows.stop, columns.start, columns.stop) == window


sides = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted).filter(lambda s: s[0] < s[1])


@given(
    vertical=sides,
    horizontal=sides,
    height=st.integers(2, 2000),
    width=st.integers(2, 2000),
    margin=st.floats(0, 2),
)
def test_a_window_holds_its_box_is_inside_and_is_a_square_where_there_is_room(
    vertical: list[float], horizontal: list[float], height: int, width: int, margin: float
) -> None:
    (y0, y1), (x0, x1) = vertical, horizontal
    rows, columns = square_window((y0, x0, y1, x1), height=height, width=width, margin=margin)
    assert 0 <= rows.start < rows.stop <= height
    assert 0 <= columns.start < columns.stop <= width
    assert rows.start - 1 <= y0 * height <= y1 * height <= rows.stop + 1
    assert columns.start - 1 <= x0 * width <= x1 * width <= columns.stop + 1
    tall, wide = rows.stop - rows.start, columns.stop - columns.start
    assert tall in (wide, height) or wide == width


@pytest.mark.parametrize(
    ("box", "colour"),
    [
        ((0.05, 0.05, 0.45, 0.35), RED),
        ((0.05, 0.65, 0.45, 0.95), GREEN),
        ((0.55, 0.05, 0.95, 0.35), BLUE),
        ((0.55, 0.65, 0.95, 0.95), WHITE),
    ],
)
def test_only_what_the_box_holds_is_seen(
    box: tuple[float, float, float, float],
    colour: tuple[int, int, int],
    write_quarters: Callable[..., Path],
) -> None:
    picture = decode_one(write_quarters(96, 160), size=(32, 32), boxes=[box])
    assert picture.shape == (32, 32, 3)
    assert is_all(picture, colour)


def test_a_box_is_meant_in_the_picture_as_it_is_shown(write_quarters: Callable[..., Path]) -> None:
    # Told to turn 90 degrees counter-clockwise, players show green on the upper left.
    path = write_quarters(96, 160, turned=90)
    assert is_all(decode_one(path, size=(16, 16), boxes=[(0.05, 0.1, 0.25, 0.4)]), GREEN)
    assert is_all(decode_one(path, size=(16, 16), boxes=[(0.7, 0.1, 0.9, 0.4)]), RED)


def test_spans_that_share_frames_are_each_seen_through_their_own_box(
    write_quarters: Callable[..., Path],
) -> None:
    boxes = [(0.05, 0.05, 0.4, 0.3), None, (0.6, 0.7, 0.95, 0.95), (0.05, 0.05, 0.4, 0.3)]
    results = dict(
        decode_spans(
            write_quarters(96, 160), spans=[Span()] * 4, count=6, size=(24, 24), boxes=boxes
        )
    )
    pictures = [results[index].frames[-1] for index in range(4)]  # type: ignore[union-attr]
    assert is_all(pictures[0], RED)
    assert is_all(pictures[2], WHITE)
    assert is_all(pictures[3], RED)
    assert is_all(pictures[1][:11, :11], RED)
    assert is_all(pictures[1][13:, 13:], WHITE)


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [(80, 160, slice(16, 48), slice(0, 64)), (160, 80, slice(0, 64), slice(16, 48))],
)
def test_a_letterboxed_picture_keeps_its_shape_between_black_bars(
    height: int,
    width: int,
    rows: slice,
    columns: slice,
    write_quarters: Callable[..., Path],
) -> None:
    path = write_quarters(height, width)
    picture = decode_one(path, size=(64, 64), fit="letterbox")
    inside = picture[rows, columns]
    assert is_all(inside[1:14, 1:14], RED)
    assert is_all(inside[-14:-1, -14:-1], WHITE)
    bars = picture.copy()
    bars[rows, columns] = 0
    assert not bars.any()
    assert (decode_one(path, size=(64, 64)) > 0).any(axis=-1).all()


def test_a_window_limited_by_the_picture_is_letterboxed_too(
    write_quarters: Callable[..., Path],
) -> None:
    # 80 pixels tall and, with the margin, 96 wide.
    how = {"size": (48, 48), "boxes": [(0.0, 0.4, 1.0, 0.6)], "margin": 0.1}
    picture = decode_one(write_quarters(80, 160), **how, fit="letterbox")
    assert not picture[:4].any()
    assert not picture[-4:].any()
    assert (picture[4:-4] > 0).any(axis=-1).all()
    assert (decode_one(write_quarters(80, 160), **how) > 0).any(axis=-1).all()


def test_a_box_around_everything_shows_nearly_what_no_box_shows(tmp_path: Path) -> None:
    path = write_video(tmp_path / "numbers", Encoding(".mp4", options={"crf": "10"}, frames=5))
    plain = decode_one(path, size=(48, 80))
    boxed = decode_one(path, size=(48, 80), boxes=[(0, 0, 1, 1)])
    # One step of scaling by swscale, or conversion and OpenCV's area.
    assert np.abs(plain.astype(int) - boxed).mean() < 1.5


def test_a_cut_out_may_be_enlarged() -> None:
    view = View((64, 64), (0.0, 0.0, 0.25, 0.25))
    assert is_all(view.apply(quarters(40, 40)), RED)


def test_without_a_size_the_cut_out_keeps_its_own(tmp_path: Path) -> None:
    path = write_video(tmp_path / "numbers", Encoding(".mp4", options={"crf": "10"}, frames=5))
    whole = decode_one(path, size=None)
    assert read_number(whole) == 0
    part = decode_one(path, size=None, boxes=[(0.25, 0.25, 0.75, 0.55)])
    np.testing.assert_array_equal(part, whole[24:72, 40:88])


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"boxes": []}, "0 boxes, but 1 spans"),
        ({"margin": -0.1}, "margin is -0.1"),
        ({"fps": 0.0}, "fps is 0"),
    ],
)
def test_what_makes_no_sense_is_refused(how: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_one(Path("gone.mp4"), size=None, **how)
