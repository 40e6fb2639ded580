"""Only the stretches that clips need: what comes, and that it decodes to what the whole does."""

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from squares import Signflow
from video.videos import Encoding, write_video

from signflow.annotations import Clip, ClipList, ReadOptions, read_clips
from signflow.annotations.sections import SectionNote, Stretch, use_sections
from signflow.annotations.urls import video_name
from signflow.download import DownloadConfig
from signflow.download.stretches import missing_clips, needed_stretches
from signflow.store import Store
from signflow.video import DecodedSpan, Span, VideoFault, decode_spans

from .web import (
    CONFIG,
    Answer,
    Handler,
    Web,
    circle,
    cut,
    drip,
    endless,
    fetch_all,
    files,
    html,
    huge,
    ledger,
    no_parts,
    silent,
    status,
    whole,
)

SECTIONS = replace(CONFIG, sections=True, section_margin=0.2, section_gap=1.0)
Times = Sequence[tuple[float, float]]
CLIPS: Times = ((0.0, 0.8), (0.2, 1.0), (3.2, 4.1), (4.04, 4.6), (9.3, 9.9))


def annotate(folder: Path, clips: dict[str, Times]) -> Path:
    """Write MS-ASL annotations: the clips of every URL."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "MSASL_classes.json").write_text('["hello"]')
    entries = [
        {"url": url, "label": 0, "start_time": start, "end_time": end}
        for url, times in clips.items()
        for start, end in times
    ]
    (folder / "MSASL_train.json").write_text(json.dumps(entries))
    return folder


def clips_of(source: Path, videos: Path) -> tuple[Clip, ...]:
    return read_clips(source, options=ReadOptions(videos=videos)).clips


def decode(path: str | Path, start: float | None, end: float | None) -> DecodedSpan | VideoFault:
    ((_, result),) = decode_spans(path, spans=[Span(start, end)], count=4, size=None)
    return result


def section_files(videos: Path) -> set[str]:
    """Names of sections, without that of their video."""
    return {path.name.partition("@")[2] for path in videos.glob("*.section.*")}


H264 = {"g": "25", "bf": "3"}
OPEN = "open-gop=1:keyint=25:min-keyint=25:scenecut=0"
ENCODINGS = {
    "h264": Encoding(".mp4", options=H264, frames=250),
    "h264, open GOP": Encoding(".mp4", options={"bf": "3", "x264-params": OPEN}, frames=250),
    "h264, NTSC": Encoding(".mp4", rate=Fraction(30000, 1001), options=H264, frames=300),
    "h264, uneven": Encoding(".mp4", options=H264, ticks=[i + i // 3 for i in range(190)]),
    "h264, first shown at 2 s": Encoding(".mp4", options=H264, ticks=range(50, 300)),
    "h264, edit list hides 10 frames": Encoding(".mp4", options=H264, ticks=range(-10, 245)),
    "h264, in fragments": Encoding(
        ".mp4", options=H264, frames=250, container_options={"movflags": "frag_keyframe+empty_moov"}
    ),
    "h264, fragments with an index": Encoding(
        ".mp4", options=H264, frames=250, container_options={"movflags": "dash+global_sidx"}
    ),
    "h264 in Matroska": Encoding(".mkv", options=H264, frames=250),
    "hevc, open GOP": Encoding(
        ".mp4",
        codec="libx265",
        options={"preset": "ultrafast", "x265-params": f"{OPEN}:bframes=3:log-level=none"},
        frames=250,
    ),
    "vp8": Encoding(
        ".webm",
        codec="libvpx",
        rate=Fraction(10),
        options={"g": "10", "auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "5"},
        frames=100,
    ),
    "vp9": Encoding(
        ".webm",
        codec="libvpx-vp9",
        options={"g": "25", "deadline": "realtime", "cpu-used": "8"},
        frames=250,
    ),
    "mpeg4": Encoding(".mov", codec="mpeg4", options={"g": "25", "bf": "2"}, frames=250),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_section_decodes_to_what_the_whole_video_decodes_to(name: str, tmp_path: Path, web: Web):
    path = write_video(tmp_path / "v", ENCODINGS[name], rotation=90 if name == "h264" else None)
    web.videos = {path.name.removesuffix(".mp4"): path.read_bytes()}
    source = annotate(tmp_path / "msasl", {f"{web.url}/{path.name}": CLIPS})

    summary = fetch_all(source, tmp_path / "videos", config=SECTIONS)

    assert summary.videos[0].reason == ""
    assert len(section_files(tmp_path / "videos")) == 3
    for clip in clips_of(source, tmp_path / "videos"):
        ours, theirs = decode(clip.source, clip.start, clip.end), decode(path, clip.start, clip.end)
        assert isinstance(ours, DecodedSpan), ours
        assert isinstance(theirs, DecodedSpan)
        assert np.array_equal(ours.frames, theirs.frames)
        assert np.array_equal(ours.times, theirs.times)
        assert ours.n_frames == theirs.n_frames
        assert replace(ours.info, duration=None) == replace(theirs.info, duration=None)


@pytest.fixture(scope="session")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of noise, every frame a keyframe, its index at the end: 4 MB."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=10, options={"g": "20"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.bit_rate = 600_000
        for _ in range(600):
            picture = random.integers(0, 255, (96, 160, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


LONG = replace(SECTIONS, max_megabytes=50)


def bytes_asked(web: Web) -> int:
    total = 0
    for _, wanted in web.requests:
        assert wanted is not None
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        total += int(last) + 1 - int(first)
    return total


def test_only_what_clips_need_is_fetched(tmp_path: Path, web: Web, long: Path):
    size = long.stat().st_size
    web.videos = {"a": long.read_bytes()}
    source = annotate(tmp_path, {f"{web.url}/a.mp4": [(20, 22), (22.5, 24), (50, 51)]})

    fetch_all(source, tmp_path / "videos", config=LONG)

    # Of 60 s: 4.4 + 1.4 s, 33 frames (3.3 s) after each, and what is asked for ahead.
    assert bytes_asked(web) < size / 3
    assert len(web.requests) < 16
    assert section_files(tmp_path / "videos") == {
        "19.800-24.200.section.mp4",
        "49.800-51.200.section.mp4",
    }
    line = ledger(tmp_path / "videos")["a"]
    name = video_name(f"{web.url}/a.mp4")
    assert (line["outcome"], line["file"], line["reason"]) == ("got", name, "")
    assert set(line["sections"]) == files(tmp_path / "videos") - {"downloads.jsonl"}
    assert line["bytes"] == sum(p.stat().st_size for p in (tmp_path / "videos").glob("*.section.*"))


def test_a_store_from_sections_holds_what_one_from_whole_videos_holds(
    tmp_path: Path, web: Web, long: Path, signflow: Signflow
):
    web.videos = {"a": long.read_bytes()}
    clips = [(20, 22), (22.5, 24), (50, 51.5), (59, 60)]
    source = annotate(tmp_path / "msasl", {f"{web.url}/a.mp4": clips})
    stores = {}

    for kind in ("sections", "whole"):
        videos, store = tmp_path / kind, tmp_path / f"store-{kind}"
        words = ("--sections",) if kind == "sections" else ()
        limits = ("--pause", "0", "--max-megabytes", "50", "--megabytes-per-second", "1000")
        signflow("download", source, "--videos", videos, *limits, *words)
        recipe = ("--image-size", "16", "--workers", "0")
        signflow("build", source, "--videos", videos, "--out", store, *recipe)
        stores[kind] = Store.open(store)

    rows = {kind: {row.clip.clip_id: row for row in store.rows} for kind, store in stores.items()}
    assert rows["sections"].keys() == rows["whole"].keys()
    for clip_id, ours in rows["sections"].items():
        theirs = rows["whole"][clip_id]
        assert (ours.built, theirs.built) == (True, True)
        assert (ours.fps, ours.video_frames) == (theirs.fps, theirs.video_frames)
        one, other = (store.sample(clip_id) for store in stores.values())
        assert np.array_equal(one.frames, other.frames)
        assert np.array_equal(one.flow, other.flow)


def test_the_same_command_fetches_only_what_is_missing(
    tmp_path: Path, web: Web, long: Path, signflow: Signflow
):
    web.videos = {"a": long.read_bytes()}
    url, videos, store = f"{web.url}/a.mp4", tmp_path / "videos", tmp_path / "store"
    source = annotate(tmp_path / "msasl", {url: [(20, 22)]})
    fetch_all(source, videos, config=LONG)
    annotate(source, {url: [(20, 22), (19.8, 22.1), (50, 51), (7, 6)]})
    build = ("build", source, "--videos", videos, "--image-size", "16", "--workers", "0")

    signflow(*build, "--out", store)

    rows = Store.open(store).rows
    assert [row.status for row in rows] == ["built", "built", "not-fetched", "span-empty"]
    assert "19.8 s to 22.2 s" in rows[2].reason
    assert "signflow download --sections" in rows[2].reason
    web.requests.clear()

    fetch_all(source, videos, config=LONG)

    assert section_files(videos) == {"19.800-22.200.section.mp4", "49.800-51.200.section.mp4"}
    assert bytes_asked(web) < long.stat().st_size / 4
    assert len(ledger(videos)["a"]["sections"]) == 2
    signflow(*build, "--out", store, "--overwrite")
    assert [row.status for row in Store.open(store).rows][:3] == ["built"] * 3
    web.requests.clear()
    assert fetch_all(source, videos, config=LONG).counts() == {"got": 1}
    assert web.requests == []


def test_sections_are_no_whole_video_and_a_whole_video_needs_no_sections(
    tmp_path: Path, web: Web, long: Path
):
    web.videos = {"a": long.read_bytes()}
    source, videos = annotate(tmp_path, {f"{web.url}/a.mp4": [(20, 22)]}), tmp_path / "videos"
    fetch_all(source, videos, config=LONG)
    (section,) = videos.glob("*.section.mp4")
    assert clips_of(source, videos)[0].source == str(section)

    fetch_all(source, videos, config=replace(LONG, sections=False))

    whole_one = videos / f"{video_name(f'{web.url}/a.mp4')}.mp4"
    assert whole_one.read_bytes() == long.read_bytes()
    assert clips_of(source, videos)[0].source == str(whole_one)
    assert ledger(videos)["a"]["file"] == whole_one.name
    assert ledger(videos)["a"]["sections"] == []
    web.requests.clear()
    annotate(tmp_path, {f"{web.url}/a.mp4": [(20, 22), (40, 41)]})
    assert fetch_all(source, videos, config=LONG).counts() == {"got": 1}
    assert web.requests == []


def test_a_section_does_not_serve_what_it_does_not_hold(tmp_path: Path, web: Web, long: Path):
    web.videos = {"a": long.read_bytes()}
    source, videos = annotate(tmp_path, {f"{web.url}/a.mp4": [(20, 22)]}), tmp_path / "videos"
    fetch_all(source, videos, config=LONG)
    (section,) = videos.glob("*.section.mp4")
    renamed = section.rename(tmp_path / "renamed.mp4")

    for start, end in ((None, None), (None, 20), (0, 1), (20, 23), (20, None), (19.5, 21)):
        fault = decode(renamed, start, end)
        assert isinstance(fault, VideoFault)
        assert (fault.code, "holds 19.8 s to 22.2 s" in str(fault)) == ("not-fetched", True)
    assert isinstance(decode(renamed, 19.8, 22.2), DecodedSpan)


def test_sections_serve_clips_of_their_own_folder_only(tmp_path: Path):
    (tmp_path / Stretch(20, 22).file_name("a", suffix=".mp4")).touch()
    (tmp_path / Stretch(30, 40).file_name("a", suffix=".mp4")).touch()
    clip = replace(span(31, 32), clip_id="held", source=str(tmp_path / "a.mp4"))
    other = replace(clip, clip_id="other", start=21.0, end=25.0)
    elsewhere = replace(clip, clip_id="elsewhere", source="/elsewhere/a.mp4")

    given = ClipList(clips=(clip, other, elsewhere), classes=("no",), origin="a test")
    found = use_sections(given, folder=tmp_path)

    assert [Path(each.source).name for each in found.clips] == [
        "a@30.000-40.000.section.mp4",
        "a@20.000-22.000.section.mp4",
        "a.mp4",
    ]
    assert found.clips[2] is elsewhere


def test_what_is_only_named_like_a_section_is_none(tmp_path: Path, long: Path):
    path = tmp_path / "a@20.000-22.000.section.mp4"
    path.write_bytes(long.read_bytes())

    fault = decode(path, 20.5, 21.5)

    assert isinstance(fault, VideoFault)
    assert fault.code == "unreadable"
    assert "not written by signflow download" in str(fault)


@pytest.mark.parametrize(
    "text",
    [
        "signflow_section",
        '{"signflow_section": 3}',
        '{"signflow_section": {"start": 0, "end": 1, "zero": "1/0", "frame_rate": "25"}}',
        '{"signflow_section": {"start": 0, "end": 1, "zero": 7, "frame_rate": "25"}}',
        '{"signflow_section": {"start": 0, "end": 1, "zero": "9e999999999", "frame_rate": "25"}}',
        '{"signflow_section": {"start": 0, "end": 1, "zero": "0", "frame_rate": "1/2/3"}}',
        '{"signflow_section": {"start": "x", "end": 1, "zero": "0", "frame_rate": "25"}}',
        '{"signflow_section": ' + "[" * 100_000,
    ],
)
def test_a_note_that_makes_no_sense_is_none(text: str):
    assert SectionNote.from_metadata([("comment", text)]) is None


def test_a_note_says_what_it_was_told():
    note = SectionNote(
        stretch=Stretch(1.5, math.inf), zero=Fraction(-7, 3), frame_rate=Fraction(30000, 1001)
    )

    assert SectionNote.from_metadata([("COMMENT", note.to_text())]) == note


def span(start: float | None, end: float | None) -> Clip:
    return Clip(clip_id="a", source="a.mp4", label=0, gloss="no", split="val", start=start, end=end)


@pytest.mark.parametrize(
    ("clips", "stretches"),
    [
        ([(3, 4)], [(2.5, 4.5)]),
        ([(0.2, 1)], [(0, 1.5)]),
        ([(None, 1)], [(0, 1.5)]),
        ([(3, None)], [(2.5, math.inf)]),
        ([(None, None)], [(0, math.inf)]),
        ([(3, 4), (10, 11)], [(2.5, 11.5)]),
        ([(10.1, 11), (3, 4)], [(2.5, 4.5), (9.6, 11.5)]),
        ([(3, 9), (4, 5), (20, 21)], [(2.5, 9.5), (19.5, 21.5)]),
        ([(1.00049, 2.00051)], [(0.5, 2.501)]),
        ([(3, 3), (-1, 2), (math.nan, 4), (3, math.nan)], []),
    ],
)
def test_stretches_hold_their_clips_and_margins(
    clips: list[tuple[float | None, float | None]], stretches: list[tuple[float, float]]
):
    asked = [span(*times) for times in clips]
    config = DownloadConfig(section_margin=0.5, section_gap=5)

    needed = needed_stretches(missing_clips(asked, []), config=config)

    assert needed == [Stretch(*times) for times in stretches]
    assert missing_clips(asked, needed) == []


@pytest.mark.parametrize(
    ("clips", "way", "reason"),
    [
        ([(1, 2)], no_parts, "the server gives no parts of it"),
        ([(0, 9)], whole, "its clips take up most of it"),
        ([(1, 2), (3, 3.5), (2, 8)], whole, "its clips take up most of it"),
        ([(3, 2)], whole, "its clips do not say which part of it they are"),
    ],
)
def test_where_sections_are_no_use_the_video_comes_whole_and_it_is_said(
    clips: Times, way: Answer, reason: str, tmp_path: Path, web: Web, signflow: Signflow
):
    path = write_video(tmp_path / "v", ENCODINGS["h264"])
    web.videos, web.ways = {"a": path.read_bytes()}, {"a": way}
    source, videos = annotate(tmp_path, {f"{web.url}/a.mp4": clips}), tmp_path / "videos"

    done = signflow("download", source, "--videos", videos, "--pause", "0", "--sections")

    line = ledger(videos)["a"]
    assert (line["outcome"], line["reason"]) == ("got", f"came whole: {reason}")
    assert (videos / line["file"]).read_bytes() == path.read_bytes()
    assert "1 came whole in spite of --sections" in done.stdout
    assert not (videos / ".partial").exists()


def test_a_file_that_would_be_asked_for_in_many_pieces_comes_whole(
    tmp_path: Path, web: Web, long: Path
):
    path = tmp_path / "pieces.mp4"
    options = {"movflags": "empty_moov+frag_keyframe", "min_frag_duration": "1900000"}
    with av.open(str(long)) as given, av.open(str(path), "w", container_options=options) as pieces:
        copy = pieces.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.size:
                packet.stream = copy
                pieces.mux(packet)
    web.videos = {"a": path.read_bytes()}
    source = annotate(tmp_path, {f"{web.url}/a.mp4": [(58, 59)]})

    summary = fetch_all(source, tmp_path / "videos", config=LONG)

    assert summary.videos[0].reason == (
        "came whole: it would have to be asked for in too many pieces"
    )
    assert len(web.requests) < 32


def test_a_kind_of_video_that_is_not_cut_comes_whole(tmp_path: Path, web: Web):
    path = write_video(tmp_path / "v", Encoding(".avi", codec="mpeg4", frames=100))
    web.videos = {"v.avi": path.read_bytes()}
    source = annotate(tmp_path / "msasl", {f"{web.url}/v.avi": [(1, 2)]})

    summary = fetch_all(source, tmp_path / "videos", config=SECTIONS)

    assert summary.videos[0].reason.startswith("came whole: it cannot be read in parts")
    (place,) = (tmp_path / "videos").glob("*.avi")
    assert place.read_bytes() == path.read_bytes()


def other_part(handler: Handler, video: bytes) -> None:
    content = {"Content_Range": f"bytes 7-{len(video) - 1}/{len(video)}"}
    handler.begin(206, Content_Length=len(video) - 7, **content)
    handler.wfile.write(video[7:])


def after(requests: int, bad: Answer) -> Answer:
    """Answer well so often, then badly."""
    return lambda handler, video: (whole if len(handler.server.web.requests) <= requests else bad)(
        handler, video
    )


def silent_part(handler: Handler, video: bytes) -> None:
    first, _, last = handler.headers["Range"].removeprefix("bytes=").partition("-")
    content = {"Content_Range": f"bytes {first}-{last}/{len(video)}"}
    handler.begin(206, Content_Length=int(last) + 1 - int(first), **content)
    handler.server.web.released.wait(20)


def cut_part(handler: Handler, video: bytes) -> None:
    first, _, last = handler.headers["Range"].removeprefix("bytes=").partition("-")
    content = {"Content_Range": f"bytes {first}-{last}/{len(video)}"}
    handler.begin(206, Content_Length=int(last) + 1 - int(first), **content)
    handler.wfile.write(video[int(first) : int(last) - 5000])


@pytest.mark.parametrize(
    ("way", "outcome", "reason"),
    [
        (status(404), "gone", "HTTP 404"),
        (status(403), "blocked", "HTTP 403"),
        (status(429, Retry_After=3600), "blocked", "come back after: 3600"),
        (status(500), "failed", "HTTP 500"),
        (cut, "failed", "the connection ended after"),
        (drip, "failed", "slower than 1 kB/s"),
        (silent, "failed", "the server fell silent"),
        (html, "failed", "no video: what came (text/html)"),
        (endless, "failed", "larger than 5 MB"),
        (huge, "failed", "larger than 5 MB"),
        (circle, "failed", "redirected in circles"),
        (status(302, Location="file:///etc/hostname"), "failed", "to what is no web address"),
        (status(302, Location="http://me:secret@127.0.0.1/"), "failed", "which is not asked"),
        (other_part, "failed", "the server answers with another part"),
        (after(2, no_parts), "failed", "the file changed while it was read"),
        (after(2, cut_part), "failed", "the connection ended after"),
        (after(2, silent_part), "failed", "the server fell silent"),
        (after(2, status(403)), "blocked", "HTTP 403"),
        (after(3, status(404)), "gone", "HTTP 404"),
    ],
)
def test_what_goes_wrong_has_the_outcome_that_it_has_for_whole_videos(
    way: Answer, outcome: str, reason: str, tmp_path: Path, web: Web, long: Path
):
    web.videos, web.ways = {"a": long.read_bytes()}, {"a": way}
    source, videos = annotate(tmp_path, {f"{web.url}/a.mp4": [(20, 22), (50, 51)]}), tmp_path / "v"

    fetch_all(source, videos, config=replace(SECTIONS, tries=1, max_megabytes=5))

    line = ledger(videos)["a"]
    assert (line["outcome"], reason in line["reason"]) == (outcome, True), line
    assert set(line["sections"]) == files(videos) - {"downloads.jsonl"}
    assert len(web.requests) < 10


def test_sections_have_the_bound_of_megabytes(tmp_path: Path, web: Web, long: Path):
    web.videos = {"a": long.read_bytes()}
    source, videos = annotate(tmp_path, {f"{web.url}/a.mp4": [(20, 40)]}), tmp_path / "videos"

    summary = fetch_all(source, videos, config=replace(SECTIONS, max_megabytes=0.5))

    assert "larger than 0.5 MB" in summary.videos[0].reason
    assert files(videos) == {"downloads.jsonl"}


def test_a_killed_download_of_sections_goes_on_with_those_that_are_missing(
    tmp_path: Path, web: Web, long: Path
):
    def stuck_behind(handler: Handler, video: bytes) -> None:
        wanted = handler.headers["Range"].removeprefix("bytes=").partition("-")[0]
        is_index = int(wanted) > len(video) - 70_000
        (silent if int(wanted) > len(video) / 2 and not is_index else whole)(handler, video)

    web.videos, web.ways = {"a": long.read_bytes()}, {"a": stuck_behind}
    source, videos = annotate(tmp_path, {f"{web.url}/a.mp4": [(20, 22), (50, 51)]}), tmp_path / "v"
    program = [sys.executable, "-m", "signflow.cli.main", "download", source, "--videos", videos]
    words = ["--pause", "0", "--sections", "--timeout", "60"]
    process = subprocess.Popen([*program, *words], stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if section_files(videos) and (videos / ".partial").exists():
                break
            time.sleep(0.05)
        else:
            pytest.fail("no section came in 30 seconds")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert len(section_files(videos)) == 1
    web.ways.clear()
    web.requests.clear()

    summary = fetch_all(source, videos, config=LONG)

    assert summary.counts() == {"got": 1}
    assert len(section_files(videos)) == 2
    assert bytes_asked(web) < long.stat().st_size / 4
    assert not (videos / ".partial").exists()
