"""Reading a video frame by frame gives what decoding a span gives."""

from pathlib import Path

import numpy as np
import pytest
from squares import write_square_video

from signflow.video import DecodedSpan, Span, VideoFault, decode_spans, read_frames


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    return write_square_video(
        folder / "a.mp4", gloss="left", clips=3, container_options={"movflags": "faststart"}
    )


@pytest.mark.parametrize("box", [None, (0.1, 0.2, 0.8, 0.7)])
def test_frames_and_times_are_those_of_a_span(
    video: Path, box: tuple[float, float, float, float] | None
):
    shown = list(read_frames(video, size=(32, 40), box=box, fit="letterbox"))

    ((_, span),) = decode_spans(
        video,
        spans=[Span()],
        count=len(shown),
        size=(32, 40),
        boxes=[box],
        fit="letterbox",
    )
    assert isinstance(span, DecodedSpan)
    assert span.n_frames == len(shown) == 96
    np.testing.assert_array_equal(np.stack([picture for _, picture in shown]), span.frames)
    np.testing.assert_allclose([time for time, _ in shown], span.times, atol=1e-9)


def test_a_cut_off_video_gives_its_frames_and_then_the_reason(video: Path, tmp_path: Path):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(video.read_bytes()[: video.stat().st_size * 7 // 10])
    shown = []

    with pytest.raises(VideoFault, match="is cut off") as caught:
        shown.extend(time for time, _ in read_frames(cut, size=(32, 32)))

    assert caught.value.code == "truncated"
    assert 10 < len(shown) < 96


def test_what_is_no_video_is_said_before_any_frame(tmp_path: Path):
    (tmp_path / "text.mp4").write_text("no video")

    for name, code in (("text.mp4", "unreadable"), ("gone.mp4", "file-missing")):
        with pytest.raises(VideoFault) as caught:
            next(read_frames(tmp_path / name, size=None))
        assert caught.value.code == code
    with pytest.raises(VideoFault, match="folder without images"):
        next(read_frames(tmp_path, size=None))
