import gc
import math
import pickle
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from videos import Encoding, decode_fully, numbered_picture, write_sound, write_video

from signflow.video import (
    FAULT_CODES,
    DecodedSpan,
    Span,
    VideoFault,
    decode_spans,
    probe,
)

GOPS = {"g": "25", "bf": "2"}
# Its index stands before its pictures, so it opens even where the pictures break off.
INDEX_FIRST = Encoding(".mp4", options=GOPS, container_options={"movflags": "faststart"})
SECONDS = 130 / 25


def write_text(path: Path) -> None:
    path.write_text("This is no video.\n" * 50, encoding="utf-8")


def write_nothing(path: Path) -> None:
    path.write_bytes(b"")


def write_half_without_index(path: Path) -> None:
    whole = write_video(path.with_name("whole"), Encoding(".mp4"))
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])


def write_playlist_of_another_file(path: Path) -> None:
    write_video(path.with_name("secret"), Encoding(".ts", frames=30))
    path.write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.2,\nhttp://localhost:9/a.ts\n#EXT-X-ENDLIST\n"
    )


def write_song_with_cover(path: Path) -> None:
    song = write_sound(path.with_name("song.m4a"))
    with av.open(str(song)) as source, av.open(str(path), "w", format="mp4") as target:
        sound = source.streams.audio[0]
        copied = target.add_stream_from_template(sound)
        cover = target.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 160, 96, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        for packet in source.demux(sound):
            if packet.size:
                packet.stream = copied
                target.mux(packet)
        picture = av.VideoFrame.from_ndarray(numbered_picture(1), format="rgb24")
        target.mux(cover.encode(picture))
        target.mux(cover.encode(None))


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        (lambda path: None, "file-missing", "no such file"),
        (write_nothing, "unreadable", "it is empty"),
        (write_text, "unreadable", "cannot be read as a video"),
        (write_half_without_index, "unreadable", "cannot be read as a video"),
        (write_playlist_of_another_file, "unreadable", "video.mp4"),
        (write_sound, "no-video-stream", "holds no video, only audio"),
        (write_song_with_cover, "no-video-stream", "holds no video"),
    ],
)
def test_a_fault_of_the_whole_file_is_the_result_of_every_span(
    make: Callable[[Path], object], code: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "video.mp4"
    make(path)
    results = dict(decode_spans(path, spans=[Span(), Span(1, 2)], count=1, size=None))
    assert sorted(results) == [0, 1]
    for result in results.values():
        assert isinstance(result, VideoFault)
        assert result.code == code
        assert str(path) in str(result)
        assert said in str(result)
        assert "\n" not in str(result)
    with pytest.raises(VideoFault) as raised:
        probe(path)
    assert raised.value.code == code


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("faults") / "video", INDEX_FIRST)


@pytest.mark.parametrize(
    ("span", "code"),
    [
        (Span(2.0, 2.0), "span-empty"),
        (Span(3.0, 2.0), "span-empty"),
        (Span(0.0, 0.0), "span-empty"),
        (Span(None, 0.0), "span-empty"),
        (Span(-1.0, 2.0), "span-empty"),
        (Span(-2.0, -1.0), "span-empty"),
        (Span(math.nan, 2.0), "span-empty"),
        (Span(1.0, math.nan), "span-empty"),
        (Span(1.0, math.inf), "span-empty"),
        (Span(SECONDS + 1, SECONDS + 2), "span-past-end"),
        (Span(SECONDS + 1, None), "span-past-end"),
        (Span(SECONDS - 0.001, SECONDS + 0.1), "span-past-end"),
        (Span(1.0, SECONDS + 0.26), "span-past-end"),
        (Span(1e12, 2e12), "span-past-end"),
        (Span(1.0, 1.35), "too-few-frames"),
        (Span(SECONDS - 0.3, None), "too-few-frames"),
        (Span(1.001, 1.002), "too-few-frames"),
    ],
)
def test_a_bad_span_is_said_to_be_so_and_disturbs_no_other(
    span: Span, code: str, video: Path
) -> None:
    spans = [Span(1.0, 3.0), span, Span(3.0, None), span]
    results = dict(decode_spans(video, spans=spans, count=10, size=(32, 32)))
    assert isinstance(results[0], DecodedSpan)
    assert isinstance(results[2], DecodedSpan)
    for index in (1, 3):
        fault = results[index]
        assert isinstance(fault, VideoFault)
        assert fault.code == code
        assert str(video) in str(fault)


def test_a_span_may_overhang_a_little(video: Path) -> None:
    ((_, result),) = decode_spans(video, spans=[Span(4.0, SECONDS + 0.24)], count=10, size=None)
    assert isinstance(result, DecodedSpan)
    assert result.n_frames == 30


def test_what_lies_past_the_end_is_told_how_long_the_video_is(video: Path) -> None:
    ((_, fault),) = decode_spans(video, spans=[Span(60, 61)], count=10, size=None)
    assert "5.200 s" in str(fault)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_file_that_breaks_off_serves_what_is_there(suffix: str, tmp_path: Path) -> None:
    options = INDEX_FIRST.container_options if suffix == ".mp4" else {}
    encoding = Encoding(suffix, options=GOPS, container_options=options)
    whole = write_video(tmp_path / "whole", encoding)
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[: round(whole.stat().st_size * 0.6)])
    spans = [Span(0.2, 1.0), Span(1.0, 2.0), Span(4.0, 5.0), Span(2.0, None), Span(0.0, 5.0)]
    results = dict(decode_spans(cut, spans=[*spans, Span(60, 61)], count=5, size=None))
    full = decode_fully(whole)
    for index in (0, 1):
        result = results[index]
        assert isinstance(result, DecodedSpan)
        positions = [round(time * 25) for time in result.times]
        assert (result.frames == full.frames[positions]).all()
    for index in (2, 3, 4):
        fault = results[index]
        assert isinstance(fault, VideoFault)
        assert fault.code == "truncated"
        assert "5.200 s are announced" in str(fault)
    beyond = results[5]
    assert isinstance(beyond, VideoFault)
    assert beyond.code == "span-past-end"


def test_a_stream_that_breaks_off_without_saying_so_is_just_shorter(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole", Encoding(".ts", options=GOPS))
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    results = dict(decode_spans(cut, spans=[Span(0.5, 1.5), Span(4, 5)], count=5, size=None))
    assert isinstance(results[0], DecodedSpan)
    fault = results[1]
    assert isinstance(fault, VideoFault)
    assert fault.code == "span-past-end"


def test_damage_spoils_its_own_span_only(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video", INDEX_FIRST)
    full = decode_fully(path)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size > 60]
        hit = next(p for p in packets if (p.pts or 0) * p.time_base >= 2.2)
        position, size = hit.pos, hit.size
    assert position is not None
    data = bytearray(path.read_bytes())
    data[position + 4 : position + size] = bytes(size - 4)
    path.write_bytes(data)
    # The last one holds no lost frame, but frames that build on one.
    spans = [Span(0.2, 1.8), Span(2.1, 2.9), Span(3.0, 3.8), Span(4.2, 5.0), Span(2.6, 2.9)]
    results = dict(decode_spans(path, spans=spans, count=5, size=None))
    for index in (0, 2, 3):
        result = results[index]
        assert isinstance(result, DecodedSpan), f"{spans[index]}: {result}"
        positions = [round(time * 25) for time in result.times]
        assert (result.frames == full.frames[positions]).all()
    for index in (1, 4):
        fault = results[index]
        assert isinstance(fault, VideoFault)
        assert fault.code == "unreadable"
        assert "damaged" in str(fault)


@pytest.mark.parametrize("seed", range(12))
def test_random_damage_never_raises_and_every_span_has_one_result(
    seed: int, tmp_path: Path, video: Path
) -> None:
    data = bytearray(video.read_bytes())
    for k in range(6):
        position = (seed * 7919 + k * 104729) % len(data)
        data[position : position + 20] = bytes(
            (seed * 31 + k * 17 + i * 7) % 256 for i in range(20)
        )
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    spans = [Span(k / 2, k / 2 + 1) for k in range(9)]
    results = list(decode_spans(path, spans=spans, count=5, size=(32, 32)))
    assert sorted(index for index, _ in results) == list(range(9))
    assert all(isinstance(result, DecodedSpan | VideoFault) for _, result in results)


def test_a_fault_crosses_from_process_to_process() -> None:
    fault = pickle.loads(pickle.dumps(VideoFault("truncated", "a.mp4: is cut off")))
    assert (fault.code, str(fault)) == ("truncated", "a.mp4: is cut off")


def test_codes_are_those_that_stores_record() -> None:
    assert set(FAULT_CODES) == {
        "file-missing",
        "not-fetched",
        "unreadable",
        "truncated",
        "no-video-stream",
        "span-past-end",
        "span-empty",
        "too-few-frames",
        "box-outside",
        "decoder-failed",
        "decoder-died",
        "decoder-hung",
    }


def test_opening_a_video_leaves_no_frame_behind(video: Path) -> None:
    gc.collect()
    gc.disable()  # memory must not wait for it: a worker makes few objects, and large frames
    try:
        list(decode_spans(video, spans=[Span(0, 1)], count=2, size=None))
        large = [
            thing for thing in gc.get_objects() if type(thing) is av.VideoFrame and thing.width > 2
        ]
    finally:
        gc.enable()
    assert large == []
