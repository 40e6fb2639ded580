"""yt-dlp: what it is told, and what it may do. YouTube itself is never asked."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from squares import Signflow

from signflow.annotations import WantedVideo
from signflow.download import DownloadConfig
from signflow.download.download import address_of
from signflow.download.outcome import (
    Outcome,
    UnavailableError,
)
from signflow.download.pace import Meter
from signflow.download.ranges import RemoteFile
from signflow.download.web import MOST_REDIRECTIONS
from signflow.download.youtube import fetch_with_ytdlp, find_media
from signflow.errors import UserError

from .web import (
    QUICK,
    Answer,
    Web,
    annotate,
    circle,
    cut,
    endless,
    fetch_all,
    html,
    huge,
    silent,
    status,
)

pytest.importorskip("yt_dlp", reason="yt-dlp is not installed (signflow[download])")

CONFIG = DownloadConfig(pause=0, timeout=0.6, tries=1, max_megabytes=2)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (
            "www.youtube.com/watch?v=7y5Ye-2-ZBs&t=862s&list=PL1",
            "https://www.youtube.com/watch?v=7y5Ye-2-ZBs",
        ),
        (
            "youtu.be/7y5Ye-2-ZBs?--exec=rm&$HOME#%(id)s",
            "https://www.youtube.com/watch?v=7y5Ye-2-ZBs",
        ),
        ("youtu.be/7y5Ye-2-ZBs --exec rm", None),
        ("https://www.youtube.com/watch?v=--exec rm", None),
        ("https://www.youtube.com/playlist?list=PL1", None),
        ("http://signs.example.org/a b.mp4", None),
        ("--config-locations=/tmp/x", None),
        ("ytsearch:hello", None),
        ("file:///etc/passwd", None),
    ],
)
def test_nothing_of_a_url_but_its_id_reaches_ytdlp(url: str, address: str | None):
    assert address_of(WantedVideo(name="a", url=url, clips=())) == address


@pytest.mark.parametrize("name", ["../a", "a/b", ".hidden", "", "-" * 101, "a\n"])
def test_a_name_that_is_no_plain_file_name_is_not_asked_for(name: str):
    video = WantedVideo(name=name, url="https://youtu.be/7y5Ye-2-ZBs", clips=())

    assert address_of(video) is None


def fetch(url: str, folder: Path, extractor: str = "generic") -> tuple[Path, str]:
    folder.mkdir(exist_ok=True)
    meter = Meter(CONFIG, threading.Event())
    return fetch_with_ytdlp(
        url, folder, config=CONFIG, cookies=None, meter=meter, extractors=[extractor]
    )


def test_ytdlp_brings_a_video_and_leaves_nothing_beside_it(tmp_path: Path, web: Web, square: bytes):
    web.videos = {"a": square}

    path, suffix = fetch(f"{web.url}/a.mp4", tmp_path / "in $x %(title)s")

    assert (path.read_bytes(), suffix) == (square, ".mp4")
    assert list(path.parent.iterdir()) == [path]


def test_ytdlp_goes_on_where_it_was_cut(tmp_path: Path, web: Web, square: bytes):
    web.videos, web.ways = {"a": square}, {"a": cut}
    with pytest.raises(UnavailableError) as caught:
        fetch(f"{web.url}/a.mp4", tmp_path / "here")
    assert (caught.value.again, caught.value.keep) == (True, True)
    web.ways, web.requests = {}, []

    path, _ = fetch(f"{web.url}/a.mp4", tmp_path / "here")

    assert path.read_bytes() == square
    # Some of its versions drop the last, incomplete block that they had read.
    asked = [int(wanted[len("bytes=") : -1]) for _, wanted in web.requests if wanted]
    assert any(0 < start <= len(square) // 2 for start in asked)


@pytest.mark.parametrize(
    ("way", "outcome"),
    [
        (status(404), "gone"),
        (status(403), "blocked"),
        (status(429), "blocked"),
        (status(500), "failed"),
        (cut, "failed"),
        (silent, "failed"),
        (html, "failed"),
        (endless, "failed"),
        (huge, "failed"),
        (circle, "failed"),
        (status(302, Location="file:///etc/hostname"), "failed"),
        (status(302, Location="ftp://127.0.0.1:9/a.mp4"), "failed"),
    ],
)
def test_what_goes_wrong_in_ytdlp_has_its_outcome(
    way: Answer, outcome: Outcome, tmp_path: Path, web: Web, square: bytes
):
    web.videos, web.ways = {"a": square}, {"a": way}

    with pytest.raises(UnavailableError) as caught:
        fetch(f"{web.url}/a.mp4", tmp_path / "here")

    assert (caught.value.outcome, caught.value.reason != "") == (outcome, True)
    assert len(web.requests) < 20


@pytest.mark.parametrize("address", ["ftp://127.0.0.1:9/a.mp4", "http://me:secret@127.0.0.1:9/"])
def test_ytdlp_follows_no_redirection_to_what_we_would_not_ask(
    address: str, tmp_path: Path, web: Web
):
    web.ways = {"a": status(302, Location=address)}

    with pytest.raises(UnavailableError) as caught:
        fetch(f"{web.url}/a.mp4", tmp_path / "here")

    assert f"redirected to {address}, which is not asked" in caught.value.reason


@pytest.mark.parametrize("missing", [[], ["requests", "urllib3", "curl_cffi"]])
def test_ytdlp_is_bounded_alike_whichever_libraries_for_http_are_installed(
    missing: list[str], tmp_path: Path, web: Web
):
    web.ways = {"a": circle}
    program = f"import sys; sys.modules.update(dict.fromkeys({missing}))\n" + OURS

    done = subprocess.run(
        [sys.executable, "-c", program, f"{web.url}/a.mp4", tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert "UnavailableError" in done.stderr.splitlines()[-1]
    assert web.asked("a") == MOST_REDIRECTIONS + 1


def test_sections_are_read_from_the_file_that_ytdlp_would_fetch(
    tmp_path: Path, web: Web, square: bytes
):
    web.videos = {"a": square}
    meter, url = Meter(CONFIG, threading.Event()), f"{web.url}/a.mp4"

    media = find_media(
        url, tmp_path, config=CONFIG, cookies=None, meter=meter, extractors=["generic"]
    )

    assert media is not None
    assert media.url == url
    remote = RemoteFile(
        media.url, config=CONFIG, cookies=media.cookies, meter=meter, headers=media.headers
    )
    assert remote.read() == square
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("way", "outcome"), [(status(404), "gone"), (status(403), "blocked"), (circle, "failed")]
)
def test_what_goes_wrong_in_ytdlp_has_its_outcome_for_sections_too(
    way: Answer, outcome: Outcome, tmp_path: Path, web: Web
):
    web.ways = {"a": way}

    with pytest.raises(UnavailableError) as caught:
        find_media(
            f"{web.url}/a.mp4",
            tmp_path,
            config=CONFIG,
            cookies=None,
            meter=Meter(CONFIG, threading.Event()),
            extractors=["generic"],
        )

    assert caught.value.outcome == outcome


def test_ytdlp_is_kept_to_youtube(tmp_path: Path, web: Web, square: bytes):
    web.videos = {"a": square}

    with pytest.raises(UnavailableError):
        fetch(f"{web.url}/a.mp4", tmp_path / "here", extractor="youtube")

    assert web.requests == []


def test_ytdlp_reads_no_file(tmp_path: Path, square: bytes):
    (tmp_path / "mine.mp4").write_bytes(square)

    with pytest.raises(UnavailableError):
        fetch(f"file://{tmp_path}/mine.mp4", tmp_path / "here")


def test_a_video_of_youtube_is_asked_of_youtube_alone_and_by_its_id(
    tmp_path: Path, web: Web, signflow: Signflow, monkeypatch: pytest.MonkeyPatch
):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, web.url)
    urls = ["www.youtube.com/watch?v=abcdefghijk&t=3s", "https://youtu.be/abcdefghijk"]
    source, videos = annotate(tmp_path, train=urls), tmp_path / "videos"

    done = signflow("download", source, "--videos", videos, *QUICK, "--tries", "1", check=False)

    assert done.returncode == 1
    assert {name for name, _ in web.requests} == {"www.youtube.com:443"}
    (line,) = [json.loads(text) for text in (videos / "downloads.jsonl").read_text().splitlines()]
    assert line["url"] == "https://www.youtube.com/watch?v=abcdefghijk"
    assert (line["file"], line["outcome"]) == ("abcdefghijk", "failed")
    assert "502" in line["reason"]


def test_without_ytdlp_a_video_of_youtube_needs_it_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "yt_dlp", None)  # how Python says: not installed
    source = annotate(tmp_path, train=["https://youtu.be/abcdefghijk"])

    with pytest.raises(UserError, match=r"pip install 'signflow\[download\]'"):
        fetch_all(source, tmp_path / "videos")


PLUGIN = """
import pathlib
pathlib.Path({marker!r}).touch()
from yt_dlp.extractor.common import InfoExtractor
class MineIE(InfoExtractor):
    _VALID_URL = "mine:.*"
"""
OURS = """
import sys, threading
from pathlib import Path
from signflow.download import DownloadConfig
from signflow.download.pace import Meter
from signflow.download.ranges import RemoteFile
from signflow.download.youtube import fetch_with_ytdlp, find_media
config = DownloadConfig(pause=0)
meter = Meter(config, threading.Event())
fetch_with_ytdlp(sys.argv[1], Path(sys.argv[2]), config=config, cookies=None, meter=meter,
                 extractors=["generic"])
"""


def test_no_configuration_file_and_no_plug_in_of_ytdlp_is_read(
    tmp_path: Path, web: Web, square: bytes
):
    web.videos = {"a": square}
    marker, folder = tmp_path / "loaded", tmp_path / "here"
    folder.mkdir()
    plugin = tmp_path / "yt-dlp" / "plugins" / "mine" / "yt_dlp_plugins" / "extractor" / "mine.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(PLUGIN.format(marker=str(marker)))
    (tmp_path / "yt-dlp" / "config").write_text("--write-info-json\n--output elsewhere\n")
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    environment.pop("YTDLP_NO_PLUGINS", None)

    def run(code: str, *words: str | Path) -> None:
        subprocess.run(
            [sys.executable, "-c", code, *words], env=environment, check=True, timeout=60
        )

    run("import yt_dlp; yt_dlp.YoutubeDL()")
    assert marker.exists(), "the plug-in lies where yt-dlp would find it"
    marker.unlink()

    run(OURS, f"{web.url}/a.mp4", folder)

    assert not marker.exists()
    assert [path.name for path in folder.iterdir()] == ["video.mp4"]


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
"""


def test_a_disk_that_takes_no_more_is_no_fault_of_the_video(
    tmp_path: Path, web: Web, square: bytes
):
    web.videos = {"a": square}
    folder = tmp_path / "here"
    folder.mkdir()
    program = [sys.executable, "-c", FULL + OURS, f"{web.url}/a.mp4", folder]

    done = subprocess.run(program, capture_output=True, text=True, timeout=60)

    assert "OSError: [Errno 27] File too large" in done.stderr.splitlines()[-1]
