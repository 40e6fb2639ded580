import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from videos import Encoding, numbered_picture, read_number, write_video

from signflow.video import DecodedSpan, Span, decode_spans, probe

# What PyAV is told, counter-clockwise, and by how much a player then turns clockwise.
TURNS = [(0, 0), (90, 270), (180, 180), (270, 90), (-90, 90)]
MIRRORS = {
    "left to right": (-1, 0, 0, 1),
    "upside down": (1, 0, 0, -1),
    "along the diagonal": (0, 1, 1, 0),
    "along the other diagonal": (0, -1, -1, 0),
}


def as_ffmpeg_shows_it(path: Path, *, width: int, height: int) -> NDArray[np.uint8]:
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs the ffmpeg command to compare with")
    flags = "area+accurate_rnd+full_chroma_int+full_chroma_inp"
    command = ["ffmpeg", "-v", "error", "-i", path, "-sws_flags", flags, "-pix_fmt", "rgb24"]
    raw = subprocess.run([*command, "-f", "rawvideo", "-"], check=True, capture_output=True)
    return np.frombuffer(raw.stdout, dtype=np.uint8).reshape(-1, height, width, 3)


def decode_all(path: Path, count: int) -> NDArray[np.uint8]:
    ((_, result),) = decode_spans(path, spans=[Span()], count=count, size=None)
    assert isinstance(result, DecodedSpan)
    return result.frames


@pytest.mark.parametrize(("counter_clockwise", "clockwise"), TURNS)
def test_turned_video_comes_out_as_ffmpeg_shows_it(
    counter_clockwise: int, clockwise: int, tmp_path: Path
) -> None:
    encoding = Encoding(".mp4", options={"crf": "10"}, frames=20)
    path = write_video(tmp_path / "turned", encoding, rotation=counter_clockwise)
    info = probe(path)
    assert info.rotation == clockwise
    assert (info.width, info.height) == ((96, 160) if clockwise in (90, 270) else (160, 96))
    frames = decode_all(path, 20)
    shown = as_ffmpeg_shows_it(path, width=info.width, height=info.height)
    assert frames.shape == shown.shape
    # Turned before or after the conversion to RGB: that differs by rounding only.
    assert np.abs(frames.astype(int) - shown).mean() < 1
    upright = np.rot90(frames, clockwise // 90, axes=(1, 2))
    assert [read_number(frame) for frame in upright] == list(range(20))


@pytest.mark.parametrize("axes", MIRRORS.values(), ids=MIRRORS)
def test_mirrored_video_comes_out_as_ffmpeg_shows_it(
    axes: tuple[int, int, int, int], tmp_path: Path
) -> None:
    path = tmp_path / "mirrored.mp4"
    a, b, c, d = (axis * 65536 for axis in axes)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
        for number in range(5):
            frame = av.VideoFrame.from_ndarray(numbered_picture(number), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    info = probe(path)
    shown = as_ffmpeg_shows_it(path, width=info.width, height=info.height)
    assert np.abs(decode_all(path, 5).astype(int) - shown).mean() < 1


def test_a_turned_video_is_scaled_to_the_size_asked_for(tmp_path: Path) -> None:
    path = write_video(tmp_path / "turned", Encoding(".mp4", frames=20), rotation=90)
    ((_, result),) = decode_spans(path, spans=[Span()], count=5, size=(80, 48))
    assert isinstance(result, DecodedSpan)
    assert result.frames.shape == (5, 80, 48, 3)


def test_probe_says_what_there_is(tmp_path: Path) -> None:
    ntsc = Encoding(".mp4", rate=Fraction(30000, 1001), frames=60)
    info = probe(write_video(tmp_path / "video", ntsc))
    assert (info.width, info.height, info.codec) == (160, 96, "h264")
    assert info.fps == pytest.approx(30000 / 1001)
    assert info.duration == pytest.approx(60 * 1001 / 30000)
