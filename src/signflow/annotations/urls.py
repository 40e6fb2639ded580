"""Which video a URL means."""

import re
from urllib.parse import parse_qs, urlsplit

_ID = re.compile(r"[A-Za-z0-9_-]{11}")
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
    text = url.strip()
    if "://" not in text:
        text = "https://" + text.removeprefix("//")
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    if not any(host == known or host.endswith("." + known) for known in _HOSTS):
        return None
    folders = parts.path.strip("/").split("/")
    if host.endswith("youtu.be"):
        candidate = folders[0]
    elif folders[0] in ("embed", "v", "shorts", "live") and len(folders) > 1:
        candidate = folders[1]
    else:
        candidate = parse_qs(parts.query).get("v", [""])[0]
    return candidate if _ID.fullmatch(candidate) else None
