"""From annotations to video files: what is wanted, what is there, what to ask for, what came."""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from signflow.annotations import ReadOptions, WantedVideo, wanted_videos
from signflow.annotations.urls import plain_address, video_id
from signflow.download.config import DownloadConfig
from signflow.download.cookies import Cookies
from signflow.download.fetch import YOUTUBE, Fetched, Fetcher
from signflow.download.ledger import Ledger, Line
from signflow.download.outcome import Outcome, UnavailableError
from signflow.download.pace import Hosts
from signflow.download.youtube import import_ytdlp
from signflow.errors import UserError
from signflow.progress import progress_bar

Standing = Literal["got", "gone", "blocked", "failed", "not tried", "no address"]
"""An `Outcome`, or: not tried (its host blocked too often in this run), no address (the annotations
name none that may be asked)."""

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, kw_only=True)
class VideoStanding:
    """Where a wanted video stands after a run.

    Attributes:
        video: what is wanted.
        standing: see `Standing`.
        reason: why it is not there; where it came now: why it came whole though sections were asked
            for, else empty.
        new: whether it came in this run.
    """

    video: WantedVideo
    standing: Standing
    reason: str = ""
    new: bool = False


@dataclass(frozen=True, kw_only=True)
class DownloadSummary:
    """What a run came to.

    Attributes:
        folder: where the videos lie.
        videos: every wanted video, in the source's order.
        seconds: how long it took.
    """

    folder: Path
    videos: tuple[VideoStanding, ...]
    seconds: float

    def counts(self) -> Counter[Standing]:
        """How many videos stand where."""
        return Counter(video.standing for video in self.videos)

    def clips(self, *standings: Standing) -> int:
        """How many clips lie in videos that stand at one of these."""
        return sum(len(v.video.clips) for v in self.videos if v.standing in standings)


def download_videos(
    source: Path,
    *,
    read: ReadOptions,
    config: DownloadConfig | None = None,
    cookies: Path | None = None,
    retry_gone: bool = False,
) -> DownloadSummary:
    """Fetch the videos that annotations speak of, each once, and keep a ledger of what came of it.

    A file appears in `read.videos` complete or not at all. What is there or known to be gone is not
    asked for again; what was blocked or failed is.

    Args:
        source: annotations that say where their videos can be had (MS-ASL).
        read: how to read them; `videos`, the directory for the videos and `downloads.jsonl`, is
            needed, and made where it is missing.
        config: how much and how gently.
        cookies: a cookies file (Netscape format), for what needs a signed-in browser.
        retry_gone: ask again for what was gone.

    Raises:
        UserError: the source cannot be read or knows no addresses, `videos` is missing, another
            download is at work there, or yt-dlp is needed and not installed.

    Example:
        >>> options = ReadOptions(videos=Path("videos"), classes=10)
        >>> done = download_videos(Path("msasl"), read=options)  # doctest: +SKIP
        >>> done.counts()  # doctest: +SKIP
        Counter({'got': 221, 'gone': 151, 'blocked': 6})
    """
    began = time.monotonic()
    if read.videos is None:
        raise UserError("download needs --videos DIR, where the videos go")
    videos, jar = read.videos, Cookies.load(cookies)
    videos.mkdir(parents=True, exist_ok=True)
    with _alone(videos):
        wanted = wanted_videos(source, options=read)
        run = _Run(videos.absolute(), config or DownloadConfig(), jar, Ledger(videos))
        standings = {video.name: run.known(video, retry_gone=retry_gone) for video in wanted}
        queue = [video for video in wanted if standings[video.name] is None]
        for standing in run.fetch_all(run.in_turn(queue)):
            standings[standing.video.name] = standing
        run.ledger.compact()
        with suppress(OSError):  # it holds what the next try goes on with
            (videos / ".partial").rmdir()
    return DownloadSummary(
        folder=videos,
        videos=tuple(standing for standing in standings.values() if standing is not None),
        seconds=time.monotonic() - began,
    )


@contextmanager
def _alone(videos: Path) -> Iterator[None]:
    lock = FileLock(videos / ".download.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"{videos}: another signflow download is at work here; wait until it ends",
            exit_status=1,
        ) from None
    try:
        yield
    finally:
        lock.release()


def address_of(video: WantedVideo) -> str | None:
    """Return the address to ask, in one spelling, or None where there is none that may be asked.

    Of a YouTube URL only the checked id is kept, so nothing else in it can have a meaning.
    """
    if video.url is None or not _NAME.fullmatch(video.name):
        return None
    known = video_id(video.url)
    if known is not None:
        return f"https://{YOUTUBE}/watch?v={known}"
    return plain_address(video.url)


class _Run:
    """One run: its ledger, its hosts, and whether it is being stopped."""

    def __init__(
        self, folder: Path, config: DownloadConfig, cookies: Cookies, ledger: Ledger
    ) -> None:
        self.config = config
        self.ledger = ledger
        self.stop = threading.Event()
        self.fetcher = Fetcher(folder, config=config, cookies=cookies, stop=self.stop)
        self.hosts = Hosts(pause=config.pause, stop=self.stop)

    def known(self, video: WantedVideo, *, retry_gone: bool) -> VideoStanding | None:
        """Return where a video stands if it need not be asked for."""
        address = address_of(video)
        before = self.ledger.get(address) if address else None
        there = self.fetcher.there(video)
        if there is not None:
            if address and (before is None or before.outcome != "got"):
                self._record(address, "got", there)
            return VideoStanding(video=video, standing="got")
        if address is None:
            return VideoStanding(
                video=video, standing="no address", reason=f"no address to ask: {video.url!r:.80}"
            )
        if before is not None and before.outcome == "gone" and not retry_gone:
            return VideoStanding(video=video, standing="gone", reason=before.reason)
        return None

    def in_turn(self, queue: Sequence[WantedVideo]) -> list[WantedVideo]:
        """Order videos: never tried, then tried longest ago, so that no host's end starves."""

        def last_tried(video: WantedVideo) -> str:
            before = self.ledger.get(address_of(video) or "")
            return before.tried if before else ""

        return sorted(queue, key=last_tried)

    def fetch_all(self, queue: Sequence[WantedVideo]) -> Iterator[VideoStanding]:
        """Fetch videos, a few at a time; yield each as it is done."""
        if not queue:
            return
        if any(urlsplit(address_of(video) or "").hostname == YOUTUBE for video in queue):
            import_ytdlp()  # better missed now than after an hour
        pool = ThreadPoolExecutor(self.config.at_once, thread_name_prefix="download")
        tally: Counter[Standing] = Counter()
        try:
            with progress_bar() as bar:
                task = bar.add_task("download", total=len(queue), note="")
                futures: list[Future[VideoStanding]] = [
                    pool.submit(self._fetch, video) for video in queue
                ]
                for future in as_completed(futures):
                    standing = future.result()
                    tally[standing.standing] += 1
                    note = ", ".join(f"{count} {name}" for name, count in tally.items())
                    bar.update(task, advance=1, note=note)
                    yield standing
        finally:
            self.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def _fetch(self, video: WantedVideo) -> VideoStanding:
        """Ask for one video, again where that may help, and write down what came of it."""
        address = address_of(video)
        assert address is not None
        host = urlsplit(address).netloc
        for attempt in range(1, self.config.tries + 1):
            if self.hosts.is_closed(host):
                reason = f"{host} blocked several requests in a row and was left alone"
                return VideoStanding(video=video, standing="not tried", reason=reason)
            self.hosts.wait(host)
            try:
                fetched = self.fetcher.fetch(video, address)
            except UnavailableError as failure:
                blocked = failure.outcome == "blocked" and not failure.one_video
                self.hosts.answered(host, blocked=blocked)
                if not (failure.again and attempt < self.config.tries):
                    rest = self.fetcher.sections(video)
                    self._record(address, failure.outcome, rest, reason=failure.reason)
                    return VideoStanding(
                        video=video, standing=failure.outcome, reason=failure.reason
                    )
                continue
            self.hosts.answered(host, blocked=False)
            self._record(address, "got", fetched)
            return VideoStanding(video=video, standing="got", reason=fetched.note, new=True)
        raise AssertionError("the last attempt returns")

    def _record(
        self,
        address: str,
        outcome: Outcome,
        fetched: Fetched,
        *,
        reason: str = "",
    ) -> None:
        self.ledger.add(
            Line(
                url=address,
                file=fetched.file,
                outcome=outcome,
                reason=reason or fetched.note,
                bytes=fetched.bytes,
                tried=datetime.now(UTC).isoformat(timespec="seconds"),
                sections=fetched.sections,
            )
        )
