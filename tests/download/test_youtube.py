"""yt-dlp: what its words mean, and what it may do. YouTube itself is never asked."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from signflow.annotations import WantedVideo
from signflow.download import DownloadConfig
from signflow.download.download import address_of
from signflow.download.outcome import (
    Outcome,
    UnavailableError,
    is_about_one_video,
    meaning_of_message,
)
from signflow.download.pace import Meter
from signflow.download.youtube import fetch_with_ytdlp

from .web import Answer, Web, circle, cut, endless, html, huge, silent, status

pytest.importorskip("yt_dlp", reason="yt-dlp is not installed (signflow[download])")

CONFIG = DownloadConfig(pause=0, timeout=0.6, tries=1, max_megabytes=2)


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("Private video. Sign in if you've been granted access to this video", "gone"),
        (
            "This video is private. If the owner of this video has granted you access, please",
            "gone",
        ),
        ("Video unavailable. This video has been removed by the uploader", "gone"),
        ("This video has been removed for violating YouTube's Terms of Service", "gone"),
        (
            "Video unavailable. This video is no longer available because the YouTube account"
            " associated with this video has been terminated.",
            "gone",
        ),
        (
            "Video unavailable. This video is no longer available because the uploader has closed"
            " their YouTube account.",
            "gone",
        ),
        ("Video unavailable", "gone"),
        ("Video unavailable. This video is not available", "gone"),
        ("Video unavailable. This content isn’t available.", "gone"),
        ("The uploader has not made this video available in your country", "gone"),
        (
            "Video unavailable. This video contains content from ZDF, who has blocked it in your"
            " country on copyright grounds",
            "gone",
        ),
        (
            "Join this channel to get access to members-only content like this video, and other"
            " exclusive perks.",
            "gone",
        ),
        (
            "Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies for the"
            " authentication. See  https://github.com/yt-dlp/yt-dlp/wiki/FAQ",
            "blocked",
        ),
        ("Sign in to confirm you're not a bot. This helps protect our community.", "blocked"),
        (
            "Video unavailable. This content isn't available, try again later. The current session"
            " has been rate-limited by YouTube for up to an hour.",
            "blocked",
        ),
        ("This content isn't available, try again later. Your account has been", "blocked"),
        ("YouTube is requiring a captcha challenge before playback", "blocked"),
        (
            "Sign in to confirm your age. This video may be inappropriate for some users. Use"
            " --cookies-from-browser or --cookies for the authentication.",
            "blocked",
        ),
        ("Unable to download API page: HTTP Error 429: Too Many Requests", "blocked"),
        ("unable to download video data: HTTP Error 403: Forbidden", "blocked"),
        ("Unable to download webpage: HTTP Error 404: Not Found", "gone"),
        ("Unable to download API page: HTTP Error 500: Internal Server Error", "failed"),
        ("Requested format is not available. Use --list-formats for a list", "failed"),
        ("Unable to download webpage: <urlopen error [Errno -2] Name or service not", "failed"),
        ("The downloaded file is empty", "failed"),
        (
            "The following content is not available on this app.. Watch on the latest version of"
            " YouTube.",
            "failed",
        ),
        ("Failed to extract any player response; please report this issue", "failed"),
    ],
)
def test_what_youtube_says_has_a_meaning(message: str, outcome: Outcome):
    assert meaning_of_message(f"ERROR: [youtube] 7y5Ye-2-ZBs: {message}") == outcome


def test_a_video_for_adults_says_nothing_of_its_host():
    assert is_about_one_video("Sign in to confirm your age. This video may be inappropriate")
    assert not is_about_one_video("Sign in to confirm you’re not a bot.")


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
    assert any(f"bytes={len(square) // 2}-" in (wanted or "") for _, wanted in web.requests)


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


def test_ytdlp_is_kept_to_youtube(tmp_path: Path, web: Web, square: bytes):
    web.videos = {"a": square}

    with pytest.raises(UnavailableError):
        fetch(f"{web.url}/a.mp4", tmp_path / "here", extractor="youtube")

    assert web.requests == []


def test_ytdlp_reads_no_file(tmp_path: Path, square: bytes):
    (tmp_path / "mine.mp4").write_bytes(square)

    with pytest.raises(UnavailableError):
        fetch(f"file://{tmp_path}/mine.mp4", tmp_path / "here")


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
from signflow.download.youtube import fetch_with_ytdlp
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
