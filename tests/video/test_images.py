"""A folder of numbered images is a video like any other."""

import math
import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from videos import WIDTH, FullDecode, decode_fully, numbered_picture, read_number

import signflow.video.images
from signflow.video import (
    DecodedSpan,
    Span,
    VideoFault,
    decode_spans,
    probe,
    sample_floor,
)
from signflow.video.container import OpenVideo, open_video

FRAMES = 60
SUFFIX = {"mjpeg": ".jpg", "png": ".png"}


def encode_images(codec: str, pictures: list[np.ndarray]) -> list[bytes]:
    """Each picture alone in a packet of a codec whose packets are image files."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.height, encoder.width = pictures[0].shape[:2]
    encoder.pix_fmt = "yuvj420p" if codec == "mjpeg" else "rgb24"
    encoder.framerate = 25
    encoder.time_base = 1 / encoder.framerate
    images = []
    for picture in pictures:
        frame = VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=encoder.pix_fmt)
        images.extend(bytes(packet) for packet in encoder.encode(frame))
    images.extend(bytes(packet) for packet in encoder.encode(None))
    return images


def write_images(folder: Path, images: list[bytes], suffix: str) -> Path:
    folder.mkdir()
    for number, image in enumerate(images, start=1):
        (folder / f"img_{number}{suffix}").write_bytes(image)
    return folder


@pytest.fixture(scope="module", params=["mjpeg", "png"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """The same frames as a video and as a folder: of one encoder's packets."""
    codec = request.param
    folder = tmp_path_factory.mktemp(codec)
    images = encode_images(codec, [numbered_picture(number) for number in range(FRAMES)])
    with av.open(str(folder / "video.mov"), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = WIDTH, numbered_picture(0).shape[0]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "rgb24"
        for number, image in enumerate(images):
            packet = av.Packet(image)
            packet.stream, packet.is_keyframe = stream, True
            packet.pts = packet.dts = number
            packet.duration, packet.time_base = 1, Fraction(1, 25)
            container.mux(packet)
    return folder / "video.mov", write_images(folder / "images", images, SUFFIX[codec])


@pytest.mark.parametrize("size", [None, (48, 64)])
def test_a_folder_gives_what_a_video_of_the_same_frames_gives(
    both: tuple[Path, Path], size: tuple[int, int] | None
) -> None:
    video, images = both
    rng = random.Random(5)
    spans = [Span(), Span(1.0, None), Span(None, 0.52), Span(0.8, 0.9), Span(3, 4), Span(2.0, 3.0)]
    for _ in range(10):
        start = rng.uniform(0, 2)
        spans.append(Span(round(start, 3), round(start + rng.uniform(0.1, 0.6), 3)))
    of_video = dict(decode_spans(video, spans=spans, count=4, size=size))
    of_images = dict(decode_spans(images, spans=spans, count=4, size=size, frame_rate=25))
    assert sorted(of_images) == list(range(len(spans)))
    for index, expected in of_video.items():
        result = of_images[index]
        if isinstance(expected, VideoFault):
            assert isinstance(result, VideoFault)
            assert result.code == expected.code
            assert str(result) == str(expected).replace(str(video), str(images))
            continue
        assert isinstance(result, DecodedSpan)
        np.testing.assert_array_equal(result.frames, expected.frames)
        np.testing.assert_allclose(result.times, expected.times, atol=1e-6)
        assert result.n_frames == expected.n_frames
        assert (result.info.width, result.info.height) == (WIDTH, 96)
        assert (result.info.fps, result.info.duration) == (25, pytest.approx(2.4))
    assert {type(result) for result in of_images.values()} == {DecodedSpan, VideoFault}


def test_spans_come_in_the_order_in_which_they_end(both: tuple[Path, Path]) -> None:
    spans = [Span(1.0, 2.0), Span(0.0, 2.3), Span(0.2, 0.8), Span(9, 10)]
    results = decode_spans(both[1], spans=spans, count=4, size=None)
    assert [index for index, _ in results] == [3, 2, 0, 1]


def test_each_image_is_opened_once_however_many_spans_hold_it(
    both: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def watched(path: Path) -> AbstractContextManager[OpenVideo]:
        opened.append(path.name)
        return open_video(path)

    monkeypatch.setattr(signflow.video.images, "open_video", watched)
    spans = [Span(1.0, 1.2), Span(1.0, 1.2), Span(0.0, 2.0), Span(1.0, 2.2)]
    results = list(decode_spans(both[1], spans=spans, count=5, size=None))
    assert all(isinstance(result, DecodedSpan) for _, result in results)
    assert len(opened) == len(set(opened)) == 5 + 5 + 4  # the last span shares its first image


def png(number: int) -> bytes:
    return encode_images("png", [numbered_picture(number)])[0]


def numbers_of(folder: Path, *, count: int) -> list[int]:
    ((_, result),) = decode_spans(folder, spans=[Span()], count=count, size=None)
    assert isinstance(result, DecodedSpan)
    return [read_number(frame) for frame in result.frames]


@pytest.mark.parametrize(
    "names",
    [
        ["1.png", "2.png", "10.png", "100.png"],
        ["00001.png", "00002.png", "00010.png", "00100.png"],
        ["fn_9-0.PNG", "fn_10-0.png", "fn_10-1.png", "fn_010-2.png"],
        ["a2.png", "b1.png", "b%03d.png", "b[1].png"],
    ],
)
def test_images_follow_the_numbers_in_their_names(tmp_path: Path, names: list[str]) -> None:
    for number, name in reversed(list(enumerate(names))):
        (tmp_path / name).write_bytes(png(number))
    (tmp_path / "0.txt").write_text("no image")
    (tmp_path / "._1.png").write_bytes(b"what macOS leaves on other disks")
    (tmp_path / "5.png").mkdir()
    assert numbers_of(tmp_path, count=4) == [0, 1, 2, 3]


def test_the_frame_rate_says_which_images_a_span_holds(tmp_path: Path) -> None:
    write_images(tmp_path / "clip", [png(number) for number in range(24)], ".png")
    for rate, expected in ((12.0, list(range(12, 24))), (24.0, None)):
        ((_, result),) = decode_spans(
            tmp_path / "clip", spans=[Span(1.0, None)], count=12, size=None, frame_rate=rate
        )
        if expected is None:
            assert isinstance(result, VideoFault)
            assert result.code == "span-past-end"
        else:
            assert isinstance(result, DecodedSpan)
            assert [read_number(frame) for frame in result.frames] == expected
            assert result.info.fps == rate


def test_images_of_different_sizes_are_each_scaled_by_themselves(tmp_path: Path) -> None:
    shapes = [(100, 176), (100, 132), (75, 201), (60, 61)]
    for number, (height, width) in enumerate(shapes):
        picture = np.full((height, width, 3), 50 * number, np.uint8)
        (tmp_path / f"{number}.png").write_bytes(encode_images("png", [picture])[0])
    ((_, result),) = decode_spans(tmp_path, spans=[Span()], count=4, size=(32, 32))
    assert isinstance(result, DecodedSpan)
    assert result.frames.shape == (4, 32, 32, 3)
    for number, frame in enumerate(result.frames):
        assert (frame == 50 * number).all()
    ((_, fault),) = decode_spans(tmp_path, spans=[Span()], count=4, size=None)
    assert isinstance(fault, VideoFault)
    assert "differ in size" in str(fault)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def keep_the_end(data: bytes) -> bytes:
    return b"\0" * 20 + data[20:]


@pytest.mark.parametrize(
    ("codec", "damage", "code"),
    [
        ("png", cut, "unreadable"),
        ("mjpeg", cut, "truncated"),
        ("mjpeg", lambda data: data[:-3], "truncated"),
        ("png", lambda data: b"", "unreadable"),
        ("png", lambda data: b"<html>not found</html>", "unreadable"),
        ("png", keep_the_end, "unreadable"),
    ],
)
def test_a_bad_image_spoils_the_spans_that_keep_it_and_no_other(
    tmp_path: Path, codec: str, damage: Callable[[bytes], bytes], code: str
) -> None:
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 255, (64, 64, 3), dtype=np.uint8) for _ in range(20)]
    images = encode_images(codec, pictures)
    images[12] = damage(images[12])
    folder = write_images(tmp_path / "clip", images, SUFFIX[codec])
    spans = [Span(0.0, 0.4), Span(0.4, 0.6), Span(0.4, 0.8)]  # the last keeps 10, 12, .. only
    results = dict(decode_spans(folder, spans=spans, count=5, size=(32, 32)))
    assert isinstance(results[0], DecodedSpan)
    for index in (1, 2):
        fault = results[index]
        assert isinstance(fault, VideoFault)
        assert fault.code == code
        assert f"img_13{SUFFIX[codec]}" in str(fault)


def test_a_folder_without_images_says_so(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("soon")
    results = dict(decode_spans(tmp_path, spans=[Span(), Span(2, 1)], count=1, size=None))
    codes = [result.code for _, result in sorted(results.items()) if isinstance(result, VideoFault)]
    assert codes == ["no-video-stream", "span-empty"]
    with pytest.raises(VideoFault, match="is no file"):
        probe(tmp_path)


@pytest.mark.parametrize("rate", [0.0, -12.0, math.nan, math.inf])
def test_a_frame_rate_that_is_none_is_refused(tmp_path: Path, rate: float) -> None:
    with pytest.raises(ValueError, match="frame_rate is"):
        decode_spans(tmp_path, spans=[Span()], count=1, size=None, frame_rate=rate)


def test_the_frames_of_the_video_are_those_that_were_written(both: tuple[Path, Path]) -> None:
    full: FullDecode = decode_fully(both[0])
    assert [read_number(frame) for frame in full.frames] == list(range(FRAMES))
    assert numbers_of(both[1], count=10) == sample_floor(FRAMES, 10)
