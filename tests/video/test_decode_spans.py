import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from videos import Encoding, FullDecode, decode_fully, read_number, write_video

import signflow.video.decode
from signflow.video import DecodedSpan, Span, VideoFault, decode_spans, sample_floor
from signflow.video.container import open_video
from signflow.video.h264 import is_disposable, nal_lengths
from signflow.video.survey import survey

NTSC = Fraction(30000, 1001)
B_FRAMES = {"g": "24", "bf": "3", "crf": "30", "preset": "veryfast"}
OPEN_GOP = {"x264-params": "open-gop=1:keyint=24:bframes=4:b-pyramid=normal", "crf": "30"}
# Long pauses, bursts, and gaps longer than what a span may overhang by.
UNEVEN = [tick for tick in range(400) if tick % 40 < 9 or tick % 7 == 0]
ALT_REF = {"b": "60k", "auto-alt-ref": "1", "lag-in-frames": "25", "deadline": "good", "g": "40"}

ENCODINGS = {
    "h264 with B-frames": Encoding(".mp4", options=B_FRAMES),
    "h264 at 29.97": Encoding(".mp4", rate=NTSC, options=B_FRAMES),
    "h264 with open GOPs": Encoding(".mp4", rate=NTSC, options=OPEN_GOP),
    "h264 with variable rate": Encoding(".mp4", ticks=UNEVEN, options=B_FRAMES),
    "h264 that refreshes bit by bit": Encoding(
        ".mp4", options={"x264-params": "intra-refresh=1:keyint=24:bframes=0"}, counted=True
    ),
    "h264 in fragments": Encoding(
        ".mp4",
        options=B_FRAMES,
        container_options={"movflags": "frag_keyframe+empty_moov"},
    ),
    "h264 in Matroska": Encoding(".mkv", rate=NTSC, options=OPEN_GOP),
    "h264 in Matroska, starting late": Encoding(".mkv", ticks=range(2000, 2130), options=B_FRAMES),
    "h264 in a transport stream": Encoding(".ts", rate=NTSC, options=B_FRAMES),
    "open GOPs in a transport stream": Encoding(".ts", options=OPEN_GOP),
    "h264 in AVI": Encoding(".avi", options=B_FRAMES, counted=True),
    "MPEG-4 in AVI": Encoding(".avi", "mpeg4", options={"g": "24", "bf": "2", "b": "400k"}),
    "MPEG-4": Encoding(".mp4", "mpeg4", rate=NTSC, options={"g": "24", "bf": "2", "b": "400k"}),
    "Motion JPEG in AVI": Encoding(".avi", "mjpeg"),
    "VP8": Encoding(".webm", "libvpx", options=ALT_REF),
    "VP9": Encoding(".webm", "libvpx-vp9", options={**ALT_REF, "cpu-used": "5"}),
    "GIF": Encoding(".gif", "gif", frames=60, counted=True),
}


@pytest.fixture(scope="module")
def encode(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, FullDecode]]:
    folder = tmp_path_factory.mktemp("videos")
    made: dict[str, tuple[Path, FullDecode]] = {}

    def encode_once(name: str) -> tuple[Path, FullDecode]:
        if name not in made:
            path = write_video(folder / name.replace(" ", "_"), ENCODINGS[name])
            made[name] = path, decode_fully(path)
        return made[name]

    return encode_once


def random_spans(full: FullDecode, *, seed: int) -> list[Span]:
    """Spans as annotators give them: anywhere, on frames to the millisecond, open, the same twice,
    within one another, and of a single frame."""
    rng = random.Random(seed)
    length = full.times[-1]
    spans = [Span(), Span(None, round(length / 3, 3)), Span(round(length / 2, 3), None)]
    for _ in range(8):
        start, end = sorted(rng.uniform(0, length) for _ in range(2))
        spans.append(Span(round(start, 3), round(end + 0.2, 3)))
    for _ in range(8):
        start, end = sorted(rng.sample(range(len(full.times)), 2))
        spans.append(Span(round(full.times[start], 3), round(full.times[end], 3)))
    return [*spans, spans[-1]]


def expected_frames(full: FullDecode, span: Span) -> list[int]:
    start = 0.0 if span.start is None else span.start
    end = np.inf if span.end is None else span.end
    inside = (full.times >= start - 0.0005) & (full.times < end - 0.0005)
    return np.flatnonzero(inside).tolist()


def assert_served(full: FullDecode, span: Span, result: DecodedSpan | VideoFault) -> None:
    inside = expected_frames(full, span)
    if len(inside) < 3:
        assert isinstance(result, VideoFault)
        assert result.code == "too-few-frames"
        return
    assert isinstance(result, DecodedSpan), f"{span}: {result}"
    wanted = [inside[k] for k in sample_floor(len(inside), 3)]
    assert result.n_frames == len(inside)
    np.testing.assert_allclose(result.times, full.times[wanted], atol=1e-6)
    np.testing.assert_array_equal(result.frames, full.frames[wanted])


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_frame_carries_its_number_through_the_encoder(
    name: str, encode: Callable[[str], tuple[Path, FullDecode]]
) -> None:
    _, full = encode(name)
    assert [read_number(frame) for frame in full.frames] == list(range(len(full.frames)))


@pytest.mark.parametrize("name", ENCODINGS)
def test_spans_hold_the_frames_of_a_full_decode(
    name: str, encode: Callable[[str], tuple[Path, FullDecode]]
) -> None:
    path, full = encode(name)
    spans = random_spans(full, seed=7)
    results = dict(decode_spans(path, spans=spans, count=3, size=None))
    assert sorted(results) == list(range(len(spans)))
    for index, result in results.items():
        assert_served(full, spans[index], result)


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_span_asked_for_alone_gives_the_same_frames(
    name: str, encode: Callable[[str], tuple[Path, FullDecode]]
) -> None:
    path, full = encode(name)
    for span in random_spans(full, seed=11)[2:7]:
        ((index, result),) = decode_spans(path, spans=[span], count=3, size=None)
        assert index == 0
        assert_served(full, span, result)


@pytest.fixture
def _no_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("the frames were counted by decoding from the start")

    monkeypatch.setattr(signflow.video.decode, "take_census", refuse)


@pytest.mark.usefixtures("_no_counting")
@pytest.mark.parametrize("name", [n for n, encoding in ENCODINGS.items() if not encoding.counted])
def test_packets_suffice_to_find_the_frames(
    name: str, encode: Callable[[str], tuple[Path, FullDecode]]
) -> None:
    path, full = encode(name)
    spans = random_spans(full, seed=3)
    assert len(list(decode_spans(path, spans=spans, count=3, size=None))) == len(spans)


@pytest.mark.usefixtures("_no_counting")
@pytest.mark.parametrize(
    "name", ["h264 with open GOPs", "open GOPs in a transport stream", "MPEG-4"]
)
def test_a_span_may_begin_at_any_frame_also_just_before_a_keyframe(
    name: str, encode: Callable[[str], tuple[Path, FullDecode]]
) -> None:
    path, full = encode(name)
    for start in range(12, 60):
        span = Span(round(full.times[start], 3), round(full.times[start + 4], 3))
        ((_, result),) = decode_spans(path, spans=[span], count=3, size=None)
        assert_served(full, span, result)


def run_ffmpeg(*arguments: str | Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs the ffmpeg command")
    subprocess.run(["ffmpeg", "-v", "error", *arguments], check=True)


@pytest.mark.usefixtures("_no_counting")
def test_an_edit_list_hides_its_lead_in(tmp_path: Path) -> None:
    path = write_video(tmp_path / "whole", Encoding(".mp4", options=OPEN_GOP))
    cut = tmp_path / "cut.mp4"
    run_ffmpeg("-ss", "1.5", "-i", path, "-t", "3", "-c", "copy", cut)
    full = decode_fully(cut)
    assert read_number(full.frames[0]) > 0
    spans = random_spans(full, seed=5)
    for index, result in decode_spans(cut, spans=spans, count=3, size=None):
        assert_served(full, spans[index], result)


@pytest.mark.usefixtures("_no_counting")
def test_frames_of_vp8_that_are_never_shown_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # FFmpeg leaves the first pass's notes where it runs
    source = "testsrc2=size=160x96:rate=30000/1001:duration=6"
    coding = ["-c:v", "libvpx", "-b:v", "100k", "-auto-alt-ref", "1", "-lag-in-frames", "25"]
    run_ffmpeg("-f", "lavfi", "-i", source, *coding, "-pass", "1", "-f", "null", "-")
    run_ffmpeg("-f", "lavfi", "-i", source, *coding, "-pass", "2", "hidden.webm")
    with av.open("hidden.webm") as container:
        packets = sum(packet.size > 0 for packet in container.demux(video=0))
    full = decode_fully(tmp_path / "hidden.webm")
    assert packets > len(full.frames)
    spans = random_spans(full, seed=5)
    for index, result in decode_spans("hidden.webm", spans=spans, count=3, size=None):
        assert_served(full, spans[index], result)


def test_what_lies_between_spans_is_not_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "long", Encoding(".mp4", options=B_FRAMES, frames=250))
    with open_video(path) as video:
        stretch = survey(video, first=8.0, limit=8.4)
    assert stretch is not None
    assert len(stretch.times) <= 24 + 10 + 1


def watch_decoding(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that fills with the times, in ticks, of the frames that are decoded from now on."""
    decoded: list[int] = []
    original = signflow.video.decode.decode_stretch

    def watched(*arguments: object, **options: object) -> Iterator[VideoFrame]:
        for frame in original(*arguments, **options):  # type: ignore[arg-type]
            decoded.append(frame.pts or 0)
            yield frame

    monkeypatch.setattr(signflow.video.decode, "decode_stretch", watched)
    return decoded


def test_each_frame_is_decoded_once_however_many_spans_hold_it(
    encode: Callable[[str], tuple[Path, FullDecode]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, full = encode("h264 with B-frames")
    decoded = watch_decoding(monkeypatch)
    # In one GOP apart from each other, the same twice, and across each other.
    spans = [Span(1.0, 1.2), Span(1.4, 1.6), Span(1.4, 1.6), Span(2.0, 4.0), Span(3.0, 4.5)]
    results = dict(decode_spans(path, spans=spans, count=3, size=None))
    for index, result in results.items():
        assert_served(full, spans[index], result)
    assert len(decoded) == len(set(decoded))


def disposable_packets(path: Path) -> list["Packet[VideoStream]"]:
    """The packets of an H.264 file that no other picture builds on."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        lengths = nal_lengths(stream)
        return [
            packet
            for packet in container.demux(stream)
            if packet.size and is_disposable(bytes(packet), lengths)
        ]


@pytest.mark.parametrize(
    "name", ["h264 with B-frames", "h264 with open GOPs", "h264 in a transport stream"]
)
def test_frames_that_nothing_builds_on_are_decoded_only_where_wanted(
    name: str,
    encode: Callable[[str], tuple[Path, FullDecode]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, full = encode(name)
    unneeded = len(disposable_packets(path))
    assert unneeded > len(full.frames) / 4
    decoded = watch_decoding(monkeypatch)

    ((_, result),) = decode_spans(path, spans=[Span()], count=3, size=None)

    assert_served(full, Span(), result)
    assert len(decoded) <= len(full.frames) - unneeded + 3


def test_damage_counts_only_where_it_is_seen_whoever_else_asks(tmp_path: Path) -> None:
    path = write_video(tmp_path / "damaged", Encoding(".mp4", options=B_FRAMES))
    full = decode_fully(path)
    spoilt = disposable_packets(path)[8]
    frame = int(np.abs(full.times - float(spoilt.pts * spoilt.time_base)).argmin())
    with path.open("r+b") as file:
        file.seek(spoilt.pos + 6)  # behind what says which kind of picture it is
        file.write(bytes([0xA5]) * (spoilt.size - 6))
    near = [round(full.times[k], 3) for k in (frame - 2, frame - 1, frame, frame + 1, frame + 2)]
    around, looks = Span(near[0], near[4]), Span(near[2], near[3])

    def ask(*spans: Span, count: int) -> list[bool]:
        results = dict(decode_spans(path, spans=spans, count=count, size=None))
        return [isinstance(results[k], DecodedSpan) for k in range(len(spans))]

    assert ask(around, count=1) == [True]
    assert ask(looks, count=1) == [False]
    assert ask(around, looks, around, count=1) == [True, False, True]
    assert ask(around, count=4) == [False]


def test_spans_come_in_the_order_of_their_last_chosen_frames(
    encode: Callable[[str], tuple[Path, FullDecode]],
) -> None:
    path, _ = encode("h264 with B-frames")
    spans = [Span(3.0, 4.0), Span(0.0, 5.0), Span(0.5, 1.0), Span(2.0, 3.5)]
    order = [index for index, _ in decode_spans(path, spans=spans, count=3, size=(32, 32))]
    assert order == [2, 3, 1, 0]


def test_frames_are_scaled_to_the_size_asked_for(
    encode: Callable[[str], tuple[Path, FullDecode]],
) -> None:
    path, _ = encode("h264 with B-frames")
    full = decode_fully(path, size=(30, 44))
    ((_, result),) = decode_spans(path, spans=[Span(1.0, 3.0)], count=3, size=(30, 44))
    assert isinstance(result, DecodedSpan)
    assert result.frames.shape == (3, 30, 44, 3)
    assert_served(full, Span(1.0, 3.0), result)


def test_another_way_to_choose_frames_is_followed(
    encode: Callable[[str], tuple[Path, FullDecode]],
) -> None:
    path, _ = encode("h264 at 29.97")
    ((_, result),) = decode_spans(
        path, spans=[Span()], count=2, choose=lambda n, count: [n // 2, n - 1], size=None
    )
    assert isinstance(result, DecodedSpan)
    assert [read_number(frame) for frame in result.frames] == [65, 129]


@pytest.mark.parametrize(
    ("count", "size", "message"),
    [(0, None, "count is 0"), (3, (0, 224), "size is"), (3, (224, -1), "size is")],
)
def test_wrong_use_is_named_at_once(
    count: int, size: tuple[int, int] | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        decode_spans(tmp_path / "any.mp4", spans=[Span()], count=count, size=size)


REAL = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.parametrize(
    "source",
    [
        "egogestar/carret/carret_1.mp4",
        "egogestar/star/star_6.mp4",
        "egogestar/up/up_9.mp4",
        "egogestar/left/left_13.mp4",
        "croatian_signs/žuta/0003.mp4",
    ],
)
def test_real_clips_decode_as_a_full_decode_does(source: str) -> None:
    path = REAL / source
    if not path.exists():
        pytest.skip(f"needs the development data ({source}) beside the checkout, in shared/data")
    full = decode_fully(path, size=(96, 128))
    spans = random_spans(full, seed=1)
    for index, result in decode_spans(path, spans=spans, count=3, size=(96, 128)):
        assert_served(full, spans[index], result)
