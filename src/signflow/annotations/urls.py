"""Which video a URL means."""

import re
from hashlib import sha256
from pathlib import PurePosixPath
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_HOST = re.compile(
    r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|[0-9a-f:.]*:[0-9a-f:.]*"
)
_FORBIDDEN = re.compile(r"[\s\x00-\x1f\x7f\\]")
_SAFE = "/%:@!$&'()*+,;=~"
_HOSTS = ("youtube.com", "youtube-nocookie.com", "youtu.be")


def video_id(url: str) -> str | None:
    """Return the eleven-character id of a YouTube URL, or None where there is none.

    Takes what is found in annotations: without a scheme, with further parameters (`&t=862s`), the
    short form (`youtu.be/ID`), and the paths `/embed/ID`, `/v/ID`, `/shorts/ID` and `/live/ID`. An
    id holds letters, digits, `_` and `-` only, so it may safely become a file name.

    Example:
        >>> video_id("www.youtube.com/watch?v=7y5Ye-2-ZBs&t=862s")
        '7y5Ye-2-ZBs'
    """
    try:
        parts = urlsplit(_with_scheme(url))
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    if not _is_youtube(host):
        return None
    folders = parts.path.strip("/").split("/")
    if host.endswith("youtu.be"):
        candidate = folders[0]
    elif folders[0] in ("embed", "v", "shorts", "live") and len(folders) > 1:
        candidate = folders[1]
    else:
        candidate = parse_qs(parts.query).get("v", [""])[0]
    return candidate if _ID.fullmatch(candidate) else None


def plain_address(url: str) -> str | None:
    """Return a URL of a file on the web in one spelling, or None where it may not be asked for.

    Only `http` and `https` are; a missing scheme is taken for `https`. A user name, a password, a
    host that is none, blanks and control characters make it None, and so does a host of YouTube,
    whose pages are no files. The part after `#` is dropped.

    Example:
        >>> plain_address("HTTP://Signs.example.org/book.mp4#t=3")
        'http://signs.example.org/book.mp4'
    """
    try:
        parts = urlsplit(_with_scheme(url))
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not _HOST.fullmatch(host):
        return None
    if not parts.path.strip("/") or _is_youtube(host) or _FORBIDDEN.search(url.strip()):
        return None
    where = f"[{host}]" if ":" in host else host
    where += "" if port is None else f":{port}"
    query = quote(parts.query, safe=_SAFE + "?")
    return urlunsplit((parts.scheme, where, quote(parts.path, safe=_SAFE), query, ""))


def video_name(url: str) -> str | None:
    """Return the file name, without suffix, of the video that a URL means, or None.

    A video of YouTube is named by its id, however its URL is spelt; a plain link by the last part
    of its path and eight digits of the address's SHA-256, since two hosts may both hold a
    `book.mp4`. Letters, digits, `_` and `-` only.

    Example:
        >>> video_name("http://signs.example.org/New/ASL-Videos/book.mp4")
        'book-e0f9d951'
    """
    known = video_id(url)
    if known is not None:
        return known
    address = plain_address(url)
    if address is None:
        return None
    stem = PurePosixPath(unquote(urlsplit(address).path)).stem
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:40] or "video"
    return f"{readable}-{sha256(address.encode()).hexdigest()[:8]}"


def _with_scheme(url: str) -> str:
    text = url.strip()
    return text if "://" in text else "https://" + text.removeprefix("//")


def _is_youtube(host: str) -> bool:
    return any(host == known or host.endswith("." + known) for known in _HOSTS)
