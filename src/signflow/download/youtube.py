"""Videos of YouTube, through yt-dlp's Python interface."""

import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request

from signflow.annotations.urls import plain_address
from signflow.download.check import video_suffix
from signflow.download.config import DownloadConfig
from signflow.download.outcome import (
    StoppedError,
    UnavailableError,
    is_about_one_video,
    meaning_of_message,
    one_line,
)
from signflow.download.pace import Meter
from signflow.download.web import MOST_REDIRECTIONS, check_redirection
from signflow.errors import UserError

_NOT_WRITTEN = re.compile(r"unable to (?:write data|open for writing).*?\[Errno (\d+)\]", re.DOTALL)


def import_ytdlp() -> ModuleType:
    """Import yt-dlp, without plug-ins.

    Raises:
        UserError: it is not installed.
    """
    # Plug-ins are code from the user's configuration folders; yt-dlp would load them by default.
    os.environ["YTDLP_NO_PLUGINS"] = "1"
    try:
        return import_module("yt_dlp")
    except ImportError:
        raise UserError("videos of YouTube need yt-dlp: pip install 'signflow[download]'") from None


def fetch_with_ytdlp(
    url: str,
    folder: Path,
    *,
    config: DownloadConfig,
    cookies: str | None,
    meter: Meter,
    extractors: Sequence[str] = ("youtube",),
) -> tuple[Path, str]:
    """Fetch a video into `folder`, going on where an earlier try was cut off.

    Only the picture is fetched where it can be had without the sound: nothing here listens, and no
    ffmpeg is needed to put the two together.

    Args:
        url: made from a checked id.
        folder: where yt-dlp may write.
        config: how.
        cookies: a cookies file's text; yt-dlp would write into the file itself.
        meter: watches it.
        extractors: the only ones of yt-dlp's that may look at the page.

    Returns:
        the file, checked to be a video, and a suffix for it.

    Raises:
        UnavailableError: it could not be had.
        StoppedError: the run is being stopped.
        OSError: the file cannot be written (disk full, no permission).
        UserError: yt-dlp is missing, or would take the directory's name for another.
    """
    if os.path.expandvars(folder) != str(folder):
        raise UserError(f"{folder}: yt-dlp would replace the $ in this path; choose another")
    options = _options(folder, config, cookies, meter, extractors)
    info, _ = _ask(url, options, download=True)
    files = [Path(part["filepath"]) for part in info.get("requested_downloads") or []]
    if len(files) != 1 or files[0].parent != folder or not files[0].is_file():
        raise UnavailableError("failed", "yt-dlp brought no file")
    return files[0], video_suffix(files[0], proposed=files[0].suffix, came_as=files[0].suffix)


@dataclass(frozen=True, kw_only=True)
class Media:
    """Where the picture of a video lies, as one file on the web.

    Attributes:
        url: an address that may be asked; YouTube's are good for some hours.
        headers: to send with every request.
        cookies: to send where they belong.
    """

    url: str
    headers: Mapping[str, str]
    cookies: CookieJar


def find_media(
    url: str,
    folder: Path,
    *,
    config: DownloadConfig,
    cookies: str | None,
    meter: Meter,
    extractors: Sequence[str] = ("youtube",),
) -> Media | None:
    """Ask where the file lies that `fetch_with_ytdlp` would fetch; None: it is not one file.

    Args and errors are those of `fetch_with_ytdlp`; nothing is written.
    """
    options = _options(folder, config, cookies, meter, extractors)
    info, jar = _ask(url, options, download=False)
    address, headers = info.get("url"), info.get("http_headers") or {}
    if info.get("protocol") not in ("http", "https") or not isinstance(address, str):
        return None
    if plain_address(address) is None:
        return None
    return Media(url=address, headers={**headers}, cookies=jar)


def _ask(url: str, options: dict[str, Any], *, download: bool) -> tuple[dict[str, Any], CookieJar]:
    """Let yt-dlp work; return what it knows of the video, and its cookies."""
    yt_dlp, said = import_ytdlp(), _Said()
    try:
        with _downloader_class(yt_dlp)({**options, "logger": said}) as downloader:
            return downloader.extract_info(url, download=download) or {}, downloader.cookiejar
    except (UnavailableError, StoppedError):
        raise
    except yt_dlp.utils.DownloadError as error:
        raise _unavailable(str(error), said) from None
    except Exception as error:  # it takes pages apart: whatever breaks in it ends this video only
        raise UnavailableError(
            "failed", one_line(f"yt-dlp: {type(error).__name__} {error}")
        ) from None


def _downloader_class(yt_dlp: ModuleType) -> Any:
    """yt-dlp with one way to the web, held to our bounds on redirections.

    By itself it takes one of the HTTP libraries that are installed (requests, curl_cffi), each with
    bounds of its own. urllib is always there; it would go on to ftp as well, where a server says
    so.
    """

    class Downloader(yt_dlp.YoutubeDL):  # type: ignore[misc, name-defined]
        def build_request_director(self, handlers: Iterable[Any], *rest: Any) -> Any:
            bounded = [_bounded(handler) for handler in handlers if handler.RH_KEY == "Urllib"]
            return super().build_request_director(bounded, *rest)

    return Downloader


def _bounded(handler: Any) -> Any:
    """The handler of requests with urllib; the new one goes only where we would ask ourselves."""

    class UrllibRH(handler):  # type: ignore[misc]
        def _create_instance(self, **known: Any) -> OpenerDirector:
            opener: Any = super()._create_instance(**known)
            for each in opener.handlers:
                if isinstance(each, HTTPRedirectHandler):
                    _bound(each)
            return opener  # type: ignore[no-any-return]

    return UrllibRH


def _bound(redirect: Any) -> None:
    follow = redirect.redirect_request

    def follow_checked(*known: Any) -> Request | None:
        try:
            check_redirection(known[-1])
        except UnavailableError as refusal:  # it would pass over what it does not know
            raise import_ytdlp().networking.exceptions.RequestError(refusal.reason) from None
        return follow(*known)  # type: ignore[no-any-return]

    redirect.max_redirections = MOST_REDIRECTIONS
    redirect.redirect_request = follow_checked


def _options(
    folder: Path,
    config: DownloadConfig,
    cookies: str | None,
    meter: Meter,
    extractors: Sequence[str],
) -> dict[str, Any]:
    """yt-dlp's options. Configuration files are read by its command line only, not by this way."""

    def watch(status: dict[str, Any]) -> None:
        meter.expects(int(status.get("total_bytes") or 0))
        meter.saw(int(status.get("downloaded_bytes") or 0))

    return {
        "allowed_extractors": list(extractors),
        "paths": {"home": str(folder)},
        "outtmpl": {"default": "video.%(ext)s"},
        "format": "bv[protocol^=http]/b[protocol^=http]/bv/b",
        # The largest up to this height, else the smallest above it; then what decodes fastest.
        "format_sort": [f"res:{config.height}", "vcodec:h264", "ext:mp4"],
        "noplaylist": True,
        "playlist_items": "1",
        "ratelimit": config.megabytes_per_second * 1e6,
        "sleep_interval_requests": min(config.pause, 1.0),
        "socket_timeout": config.timeout,
        "retries": 0,  # tries are counted in one place, for all kinds of addresses
        "extractor_retries": 1,
        "fragment_retries": config.tries,
        "skip_unavailable_fragments": False,  # a hole would shift no time stamp, but lose clips
        "fixup": "never",
        "updatetime": False,
        "cachedir": False,
        "geo_bypass": False,  # it would forge where we come from
        "cookiefile": None if cookies is None else io.StringIO(cookies),
        "progress_hooks": [watch],
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "color": "never",
    }


def _unavailable(message: str, said: "_Said") -> UnavailableError:
    written = _NOT_WRITTEN.search(message)
    if written:
        raise OSError(int(written[1]), os.strerror(int(written[1])))
    outcome = meaning_of_message(message)
    reason = one_line(message)
    if outcome == "failed" and said.no_javascript:
        reason += "; yt-dlp found no JavaScript runtime, which YouTube needs: install Deno"
    return UnavailableError(
        outcome,
        reason,
        again=outcome == "failed",
        keep=outcome != "gone",
        one_video=is_about_one_video(message),
    )


class _Said:
    """Takes what yt-dlp says; an error comes as an exception as well."""

    def __init__(self) -> None:
        self.no_javascript = False

    def debug(self, message: str) -> None:
        """Drop it."""

    def warning(self, message: str) -> None:
        """Keep what explains most failures where it is said."""
        self.no_javascript |= "No supported JavaScript runtime" in message

    def error(self, message: str) -> None:
        """Drop it."""
