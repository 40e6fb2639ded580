"""Where the videos of a source can be had."""

import json
from pathlib import Path

import pytest

from signflow.annotations import ReadOptions, wanted_videos
from signflow.annotations.urls import plain_address, video_id, video_name
from signflow.errors import UserError

MSASL = Path(__file__).parents[3] / "shared" / "data" / "msasl"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("HTTP://Signs.example.org/New/book.MP4#t=3", "http://signs.example.org/New/book.MP4"),
        ("signs.example.org/book.mp4", "https://signs.example.org/book.mp4"),
        ("//signs.example.org/book.mp4?v=1", "https://signs.example.org/book.mp4?v=1"),
        ("http://127.0.0.1:8000/ž%20a.mp4", "http://127.0.0.1:8000/%C5%BE%20a.mp4"),
        ("http://[::1]:8000/a.mp4", "http://[::1]:8000/a.mp4"),
        ("file:///etc/passwd", None),
        ("ftp://signs.example.org/book.mp4", None),
        ("data:video/mp4;base64,AAAA", None),
        ("javascript://signs.example.org/%0aalert(1)", None),
        ("/etc/passwd", None),
        ("../../etc/passwd", None),
        ("-o/etc/passwd", None),
        ("http://me:secret@signs.example.org/book.mp4", None),
        ("http://signs.example.org/a b.mp4", None),
        ("http://signs.example.org/a\r\nCookie:x.mp4", None),
        ("http://signs.example.org\\@other.example.org/a.mp4", None),
        ("http://signs.example.org:99999/a.mp4", None),
        ("http://signs.example.org/", None),
        ("http:///a.mp4", None),
        ("https://www.youtube.com/watch?v=short", None),
        ("", None),
    ],
)
def test_only_what_lies_on_the_web_has_an_address(url: str, address: str | None):
    assert plain_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example.org/../../etc/passwd",
        "http://a.example.org/%2e%2e%2fetc%2fpasswd",
        "http://a.example.org/.mp4",
        "http://a.example.org/..",
        "http://a.example.org/--exec=x;$HOME.mp4",
        "http://a.example.org/%00.mp4",
        "http://a.example.org/" + "x" * 500 + ".mp4",
        "http://a.example.org/黄色.mp4",
    ],
)
def test_the_name_of_a_plain_link_is_a_plain_file_name(url: str):
    name = video_name(url)

    assert name is not None
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    assert 8 < len(name) < 60


def test_two_hosts_may_hold_files_of_one_name():
    here, there = (video_name(f"http://{host}.example.org/book.mp4") for host in "ab")

    assert here is not None
    assert there is not None
    assert here.startswith("book-")
    assert here != there


def test_a_source_lists_each_video_once_with_its_clips(tmp_path: Path):
    urls = {
        "train": ["www.youtube.com/watch?v=abcdefghijk", "http://a.example.org/book.mp4"],
        "val": ["https://youtu.be/abcdefghijk?t=3", "file:///etc/passwd"],
    }
    (tmp_path / "MSASL_classes.json").write_text(json.dumps(["hello"]))
    for split, addresses in urls.items():
        entries = [
            {"url": url, "label": 0, "start_time": 1, "end_time": 2, "signer_id": 1}
            for url in addresses
        ]
        (tmp_path / f"MSASL_{split}.json").write_text(json.dumps(entries))

    videos = wanted_videos(tmp_path, options=ReadOptions(videos=tmp_path))

    assert [(video.url, len(video.clips)) for video in videos] == [
        ("www.youtube.com/watch?v=abcdefghijk", 2),
        ("http://a.example.org/book.mp4", 1),
        (None, 1),
    ]
    assert [clip.split for clip in videos[0].clips] == ["train", "val"]
    assert all(Path(clip.source).parent == tmp_path for video in videos for clip in video.clips)


def test_a_source_that_knows_no_addresses_is_refused(tmp_path: Path):
    (tmp_path / "clips.csv").write_text("source,gloss,split\na.mp4,x,train\n")

    with pytest.raises(UserError, match="does not say where its videos can be had"):
        wanted_videos(tmp_path, options=ReadOptions())


@pytest.mark.skipif(not MSASL.is_dir(), reason="the MS-ASL annotation files are not here")
def test_the_ten_signs_of_ms_asl_lie_in_378_videos(tmp_path: Path):
    videos = wanted_videos(MSASL, options=ReadOptions(videos=tmp_path, classes=10))

    assert len(videos) == 378
    assert sum(len(video.clips) for video in videos) == 727
    assert all(video.name == video_id(video.url or "") for video in videos)
