"""Plain links: a video file that lies on a web server."""

import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPMessage, HTTPResponse
from http.cookiejar import CookieJar
from pathlib import Path, PurePosixPath
from typing import IO, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPCookieProcessor,
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

import signflow
from signflow.annotations.urls import plain_address
from signflow.download.check import video_suffix
from signflow.download.config import DownloadConfig
from signflow.download.outcome import UnavailableError, meaning_of_status
from signflow.download.pace import Meter
from signflow.files import read_json, write_json

_CHUNK = 1 << 16
PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 206, 416
MOST_REDIRECTIONS = 5


def fetch_file(
    url: str, folder: Path, *, config: DownloadConfig, cookies: CookieJar | None, meter: Meter
) -> tuple[Path, str]:
    """Fetch a video file into `folder`, going on where an earlier try was cut off.

    It goes on only where the server says that the file is still the same (`ETag`, `Last-Modified`
    and `If-Range`, RFC 9110); otherwise it begins anew.

    Returns:
        the file, checked to be a video, and a suffix for it.

    Raises:
        UnavailableError: it could not be had.
        StoppedError: the run is being stopped.
        OSError: it cannot be written (disk full, no permission).
    """
    body, state = folder / "body", folder / "state.json"
    have = _resumable(body, state, url)
    with network():
        response = _ask_from(have, url, config, cookies)
    if response is None:  # what we have is no beginning of what is there now
        have = None
        with network():
            response = _ask_from(None, url, config, cookies)
    if response is None:
        raise UnavailableError("failed", "HTTP 416 for a request without a range")
    with response:
        start = _start_of(response, have)
        expected = response.length
        meter.expects(start + (expected or 0))
        write_json(state, {"url": url, "validator": validator_of(response)})
        with body.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            total = start
            for data in body_of(response):
                file.write(data)
                total += len(data)
                meter.saw(total, slow_down=True)
        if expected is not None and total - start < expected:
            raise cut_off(f"the connection ended after {total} of {start + expected} bytes")
        came_as = response.headers.get_content_type()
    suffix = PurePosixPath(urlsplit(url).path).suffix
    return body, video_suffix(body, proposed=suffix, came_as=came_as)


def cut_off(reason: str) -> UnavailableError:
    """What is to be raised where a connection ends before its time: trying again may help."""
    return UnavailableError("failed", reason, again=True, keep=True)


@contextmanager
def network() -> Iterator[None]:
    """Turn what goes wrong on the network, and only there, into `UnavailableError`."""
    try:
        yield
    except HTTPError as error:
        error.close()
        if 300 <= error.code < 400:
            refused = "not allowed" in str(error.reason)
            where = "to what is no web address" if refused else "in circles"
            raise UnavailableError("failed", f"HTTP {error.code}: redirected {where}") from None
        wait = error.headers.get("Retry-After")
        outcome = meaning_of_status(error.code, retry_after=wait is not None)
        hint = f"; come back after: {wait:.40}" if wait else ""
        raise UnavailableError(
            outcome,
            f"HTTP {error.code} {error.reason:.80}{hint}",
            again=error.code >= 500 and outcome == "failed",
            keep=True,
        ) from None
    except URLError as error:
        raise cut_off(f"no connection: {error.reason}") from None
    except TimeoutError:
        raise cut_off("the server fell silent") from None
    except (OSError, http.client.HTTPException) as error:
        raise cut_off(f"the connection broke: {type(error).__name__} {error}".rstrip()) from None


def ask(
    url: str,
    *,
    config: DownloadConfig,
    cookies: CookieJar | None,
    headers: Mapping[str, str] | None = None,
) -> HTTPResponse:
    """Ask for a file.

    Args:
        url: an address that may be asked (`plain_address`).
        config: its timeout counts.
        cookies: to send.
        headers: to send besides our name, or in its place.

    Raises:
        OSError, HTTPException: what urllib raises; `network` tells what it means.
    """
    names = {"User-Agent": f"signflow/{signflow.__version__}", **(headers or {})}
    request = Request(url, headers=names)
    return cast(HTTPResponse, _opener(cookies).open(request, timeout=config.timeout))


def check_redirection(address: str) -> None:
    """Refuse a redirection to what would not be asked if it stood in the annotations.

    Raises:
        UnavailableError: it is such a one.
    """
    if plain_address(address) is None:
        raise UnavailableError("failed", f"redirected to {address:.100}, which is not asked")


def _ask_from(
    have: tuple[int, str] | None, url: str, config: DownloadConfig, cookies: CookieJar | None
) -> HTTPResponse | None:
    """Ask for a file from the first missing byte on; None where the server has no such byte."""
    headers = {} if have is None else {"Range": f"bytes={have[0]}-", "If-Range": have[1]}
    try:
        return ask(url, config=config, cookies=cookies, headers=headers)
    except HTTPError as error:
        if error.code != _RANGE_NOT_SATISFIABLE:
            raise
        error.close()
        return None


def _opener(cookies: CookieJar | None) -> OpenerDirector:
    """An opener that speaks http and https; urllib's own would take file, ftp and data as well."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        UnknownHandler(),
        HTTPHandler(),
        HTTPSHandler(),
        HTTPDefaultErrorHandler(),
        _Redirect(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    if cookies is not None:
        opener.add_handler(HTTPCookieProcessor(cookies))
    return opener


class _Redirect(HTTPRedirectHandler):
    """Follows a few redirections, to addresses that we would ask ourselves."""

    max_redirections = MOST_REDIRECTIONS
    max_repeats = 2

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> Request | None:
        check_redirection(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _resumable(body: Path, state: Path, url: str) -> tuple[int, str] | None:
    """Return how many bytes are there and the validator they came with."""
    if not (body.is_file() and state.is_file() and body.stat().st_size):
        return None
    known = read_json(state, what="the state of a download")
    if known.get("url") != url or not known.get("validator"):
        return None
    return body.stat().st_size, known["validator"]


def validator_of(response: HTTPResponse) -> str | None:
    """Return what says later on that a file is still the same, where the server gives it."""
    tag = response.headers.get("ETag")
    if tag and not tag.startswith("W/"):  # a weak one may not be used with a range
        return str(tag)
    return response.headers.get("Last-Modified")


def _start_of(response: HTTPResponse, have: tuple[int, str] | None) -> int:
    """Return the byte at which a response's body begins."""
    if response.status != PARTIAL_CONTENT:
        return 0
    wanted = have[0] if have else 0
    stated = response.headers.get("Content-Range", "")
    if not stated.startswith(f"bytes {wanted}-"):
        raise UnavailableError("failed", f"the server answers with another part: {stated:.60}")
    return wanted


def body_of(response: HTTPResponse) -> Iterator[bytes]:
    """Yield what comes as it comes: `read` would wait for a whole chunk, however slowly."""
    while True:
        with network():
            data = response.read1(_CHUNK)
        if not data:
            return
        yield data
