"""The whole command against a server on loopback that misbehaves."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from squares import Signflow

from signflow.annotations.urls import video_name
from signflow.errors import UserError

from .web import (
    CONFIG,
    QUICK,
    Answer,
    Web,
    annotate,
    circle,
    cut,
    drip,
    endless,
    fetch_all,
    files,
    html,
    huge,
    ledger,
    silent,
    status,
    whole,
)


@pytest.mark.parametrize(
    ("way", "outcome", "reason", "requests"),
    [
        (status(404), "gone", "HTTP 404", 1),
        (status(410), "gone", "HTTP 410", 1),
        (status(403), "blocked", "HTTP 403", 1),
        (status(429, Retry_After=3600), "blocked", "come back after: 3600", 1),
        (status(503, Retry_After=60), "blocked", "HTTP 503", 1),
        (status(500), "failed", "HTTP 500", 2),
        (cut, "failed", "the connection ended after", 2),
        (drip, "failed", "slower than 1 kB/s", 2),
        (silent, "failed", "the server fell silent", 2),
        (html, "failed", "no video: what came (text/html)", 1),
        (endless, "failed", "larger than 2 MB", 1),
        (huge, "failed", "larger than 2 MB", 1),
        (circle, "failed", "redirected in circles", 6),
        (status(302, Location="file:///etc/hostname"), "failed", "to what is no web address", 1),
        (status(302, Location="http://me:secret@127.0.0.1/"), "failed", "which is not asked", 1),
    ],
)
def test_a_video_that_does_not_come_has_its_outcome_and_leaves_no_file(
    way: Answer,
    outcome: str,
    reason: str,
    requests: int,
    tmp_path: Path,
    web: Web,
    square: bytes,
    signflow: Signflow,
):
    web.videos, web.ways = {"good": square, "bad": square}, {"bad": way}
    source = annotate(tmp_path, train=[f"{web.url}/bad.mp4", f"{web.url}/good.mp4"])
    videos = tmp_path / "videos"

    done = signflow("download", source, "--videos", videos, *QUICK)

    line = ledger(videos)["bad"]
    assert (line["outcome"], line["bytes"]) == (outcome, 0)
    assert reason in line["reason"]
    assert reason in done.stdout
    assert web.asked("bad") == requests
    assert files(videos) == {"downloads.jsonl", f"{video_name(f'{web.url}/good.mp4')}.mp4"}
    assert "1 of 2 clips" in done.stdout


def test_a_playlist_that_calls_itself_a_video_is_none(tmp_path: Path, web: Web, square: bytes):
    (tmp_path / "secret.mp4").write_bytes(square)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:2,\n{tmp_path}/secret.mp4\n"
    web.videos = {"a": f"{playlist}#EXT-X-ENDLIST\n".encode()}
    source = annotate(tmp_path, train=[f"{web.url}/a.mp4"])

    fetch_all(source, tmp_path / "videos", config=CONFIG)

    assert ledger(tmp_path / "videos")["a"]["reason"].startswith("no video")
    assert files(tmp_path / "videos") == {"downloads.jsonl"}


def test_what_cannot_be_asked_for_is_not_asked_and_counted(
    tmp_path: Path, web: Web, square: bytes, signflow: Signflow
):
    (tmp_path / "mine.mp4").write_bytes(square)
    web.videos = {"a": square}
    bad = [f"file://{tmp_path}/mine.mp4", f"{tmp_path}/mine.mp4", "--exec=touch x", "../mine.mp4"]
    source = annotate(tmp_path, train=[f"{web.url}/a.mp4", *bad, "ftp://127.0.0.1/mine.mp4"])

    done = signflow("download", source, "--videos", tmp_path / "videos", *QUICK)

    assert web.requests == [("a", None)]
    assert len(files(tmp_path / "videos")) == 2
    assert "no address with 5 clips" in done.stdout


def test_a_host_that_blocks_three_times_in_a_row_is_left_alone(
    tmp_path: Path, web: Web, signflow: Signflow
):
    names = [f"v{number}" for number in range(8)]
    web.ways = dict.fromkeys(names, status(429))
    source = annotate(tmp_path, train=[f"{web.url}/{name}.mp4" for name in names])

    done = signflow(
        "download", source, "--videos", tmp_path / "videos", *QUICK, "--at-once", "1", check=False
    )

    assert done.returncode == 1
    assert "not one clip can be had" in done.stderr
    assert len(web.requests) == 3
    assert "5 not tried with 5 clips" in done.stdout
    assert "up to 8 more clips" in done.stdout


def test_a_download_that_is_killed_goes_on_with_the_same_command(
    tmp_path: Path, web: Web, square: bytes
):
    def half(handler: Any, video: bytes) -> None:
        handler.begin(200, Content_Length=len(video), ETag=f'"{len(video)}"')
        handler.wfile.write(video[: len(video) // 2])
        web.released.wait(20)

    web.videos, web.ways = {"a": square, "b": square}, {"b": half}
    source = annotate(tmp_path, train=[f"{web.url}/a.mp4", f"{web.url}/b.mp4"])
    videos = tmp_path / "videos"
    program = [sys.executable, "-m", "signflow.cli.main", "download", source, "--videos", videos]
    process = subprocess.Popen([*program, "--pause", "0"], stderr=subprocess.DEVNULL)
    body = videos / ".partial" / f"{video_name(f'{web.url}/b.mp4')}" / "body"
    try:
        for _ in range(600):
            there = len(list(videos.glob("*.mp4"))) == 1 and body.is_file()
            if there and body.stat().st_size == len(square) // 2:
                break
            time.sleep(0.05)
        else:
            pytest.fail("the download did not get as far as wanted in 30 seconds")
        with pytest.raises(UserError, match="another signflow download is at work"):
            fetch_all(source, videos, config=CONFIG)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert len(list(videos.glob("*.mp4"))) == 1
    web.ways = {"b": whole}
    web.requests.clear()

    summary = fetch_all(source, videos, config=CONFIG)

    assert summary.counts() == {"got": 2}
    assert web.requests == [("b", f"bytes={len(square) // 2}-")]
    assert {path.read_bytes() for path in videos.glob("*.mp4")} == {square}


def test_a_full_disk_ends_the_run_and_the_same_command_goes_on(
    tmp_path: Path, web: Web, square: bytes
):
    web.videos = {"a": square, "b": square}
    source = annotate(tmp_path, train=[f"{web.url}/a.mp4", f"{web.url}/b.mp4"])
    videos = tmp_path / "videos"
    program = (
        "import resource, sys; from signflow.cli.main import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)); main(sys.argv[1:])"
    )
    words = ["download", source, "--videos", videos, "--pause", "0"]

    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stderr.strip()) == (1, "signflow: File too large")
    assert not list(videos.glob("*.mp4"))
    summary = fetch_all(source, videos, config=CONFIG)
    assert summary.counts() == {"got": 2}
    assert {path.read_bytes() for path in videos.glob("*.mp4")} == {square}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("SOURCE", "--videos", "VIDEOS", "--pause", "-1"), "pause is -1"),
        (("SOURCE", "--videos", "VIDEOS", "--timeout", "0"), "timeout is 0"),
        (("SOURCE", "--videos", "VIDEOS", "--classes", "7"), "--classes 7: must be 1 to 2"),
        (("SOURCE", "--videos", "VIDEOS", "--cookies", "nowhere"), "nowhere: cannot be read"),
        (("SOURCE", "--videos", "VIDEOS", "--cookies", "CLASSES"), "is no cookies file"),
        (("SOURCE", "--videos", "VIDEOS", "--retry", "got"), "got"),
        (("SOURCE",), "download needs --videos DIR"),
        (("nowhere", "--videos", "VIDEOS"), "nowhere: no such file"),
    ],
)
def test_wrong_use_says_what_is_wrong(
    words: tuple[str, ...], message: str, tmp_path: Path, signflow: Signflow
):
    source = annotate(tmp_path / "msasl", train=["https://127.0.0.1/a.mp4"])
    places = {"SOURCE": source, "VIDEOS": tmp_path / "videos"}
    places["CLASSES"] = source / "MSASL_classes.json"

    done = signflow("download", *(places.get(word, word) for word in words), check=False)

    assert done.returncode == 2
    assert message in " ".join((done.stderr + done.stdout).split())


def test_a_torn_last_line_of_the_ledger_is_passed_over(tmp_path: Path, web: Web, square: bytes):
    web.videos = {"a": square}
    source = annotate(tmp_path, train=[f"{web.url}/a.mp4", f"{web.url}/gone.mp4"])
    web.ways = {"gone": status(404)}
    fetch_all(source, tmp_path / "videos", config=CONFIG)
    path = tmp_path / "videos" / "downloads.jsonl"
    path.write_text(path.read_text() + '{"url": "http://127')
    web.requests.clear()

    summary = fetch_all(source, tmp_path / "videos", config=CONFIG)

    assert web.requests == []
    assert summary.counts() == {"got": 1, "gone": 1}
    assert len(ledger(tmp_path / "videos")) == 2


def test_a_line_that_is_no_ledger_line_is_named(tmp_path: Path):
    source = annotate(tmp_path, train=["http://127.0.0.1:9/a.mp4"])
    (tmp_path / "downloads.jsonl").write_text('{"url": 3}\n')

    with pytest.raises(UserError, match=r"downloads\.jsonl, line 1"):
        fetch_all(source, tmp_path, config=CONFIG)
