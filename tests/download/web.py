"""A web server on loopback that serves rendered videos, and misbehaves when it is told to."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from signflow.annotations import ReadOptions
from signflow.download import DownloadConfig, DownloadSummary, download_videos

PIECE = b"\0" * 65536
Answer = Callable[["Handler", bytes], None]


class Handler(BaseHTTPRequestHandler):
    """Answers `/NAME.mp4` the way `web.ways[NAME]` says, by default with the video."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        web = self.server.web
        name = self.path.split("?")[0].strip("/").removesuffix(".mp4")
        web.requests.append((name, self.headers.get("Range")))
        web.moments.append(time.monotonic())
        self.close_connection = True
        with suppress(OSError):  # the client has had enough
            web.ways.get(name, whole)(self, web.videos.get(name, b""))

    def do_CONNECT(self) -> None:
        """A proxy that lets nobody out: what would be asked of the world is only noted."""
        self.server.web.requests.append((self.path, None))
        self.close_connection = True
        self.begin(502, Content_Length=0)

    def begin(self, status: int, **headers: str | int) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    web: "Web"


@dataclass
class Web:
    """The server, as tests see it."""

    url: str
    released: threading.Event
    ways: dict[str, Answer] = field(default_factory=dict)
    videos: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)

    def asked(self, name: str) -> int:
        return sum(requested == name for requested, _ in self.requests)


def whole(handler: Handler, video: bytes) -> None:
    tag, size = f'"{len(video)}"', len(video)
    wanted = handler.headers.get("Range")
    if wanted and handler.headers.get("If-Range", tag) == tag:
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, stop = int(first), min(size, int(last or size) + 1)
        content = {"Content_Range": f"bytes {start}-{stop - 1}/{size}"}
        handler.begin(206, Content_Length=stop - start, ETag=tag, **content)
        handler.wfile.write(video[start:stop])
        return
    no_parts(handler, video)


def no_parts(handler: Handler, video: bytes) -> None:
    """As servers do that know no ranges."""
    tag = f'"{len(video)}"'
    handler.begin(200, Content_Length=len(video), Content_Type="video/mp4", ETag=tag)
    handler.wfile.write(video)


def status(code: int, **headers: str | int) -> Answer:
    return lambda handler, _: handler.begin(code, Content_Length=0, **headers)


def cut(handler: Handler, video: bytes) -> None:
    handler.begin(200, Content_Length=len(video), ETag=f'"{len(video)}"')
    handler.wfile.write(video[: len(video) // 2])


def drip(handler: Handler, video: bytes) -> None:
    handler.begin(200, Content_Length=len(video))
    for number in range(200):
        handler.wfile.write(video[number : number + 1])
        time.sleep(0.02)


def silent(handler: Handler, video: bytes) -> None:
    handler.begin(200, Content_Length=len(video))
    handler.server.web.released.wait(20)


def html(handler: Handler, _: bytes) -> None:
    page = b"<!DOCTYPE html><html><body>This sign has moved.</body></html>"
    handler.begin(200, Content_Length=len(page), Content_Type="text/html")
    handler.wfile.write(page)


def endless(handler: Handler, _: bytes) -> None:
    handler.begin(200, Content_Type="video/mp4")
    for _piece in range(1000):
        handler.wfile.write(PIECE)


def huge(handler: Handler, _: bytes) -> None:
    handler.begin(200, Content_Length=10**12)
    handler.wfile.write(PIECE)


def circle(handler: Handler, _: bytes) -> None:
    turn = len(handler.server.web.requests)
    handler.begin(302, Content_Length=0, Location=f"{handler.path.split('?')[0]}?turn={turn}")


def first(bad: Answer, then: Answer = whole) -> Answer:
    """Answer badly once, then well."""
    answers = iter([bad])
    return lambda handler, video: next(answers, then)(handler, video)


def annotate(folder: Path, **urls: list[str]) -> Path:
    """Write MS-ASL annotations: per split, URLs of clips; the glosses take turns."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "MSASL_classes.json").write_text(json.dumps(["hello", "nice"]))
    for split, addresses in urls.items():
        entries = [
            {"url": url, "label": number % 2, "start_time": 0.2, "end_time": 1.4}
            for number, url in enumerate(addresses)
        ]
        (folder / f"MSASL_{split}.json").write_text(json.dumps(entries))
    return folder


QUICK = ("--pause", "0", "--timeout", "0.6", "--tries", "2", "--max-megabytes", "2")
CONFIG = DownloadConfig(pause=0, timeout=0.6, tries=2, max_megabytes=2)


def fetch_all(source: Path, videos: Path, **more: Any) -> DownloadSummary:
    return download_videos(source, read=ReadOptions(videos=videos), **more)


def ledger(videos: Path) -> dict[str, dict[str, Any]]:
    """Lines by the last part of their URL's path, without suffix; one a URL."""
    lines = [json.loads(line) for line in (videos / "downloads.jsonl").read_text().splitlines()]
    assert len({line["url"] for line in lines}) == len(lines)
    return {line["url"].rsplit("/", 1)[1].removesuffix(".mp4"): line for line in lines}


def files(videos: Path) -> set[str]:
    return {path.name for path in videos.iterdir() if not path.name.startswith(".")}
