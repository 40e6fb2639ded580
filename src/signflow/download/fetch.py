"""One video: which way it comes, and where what comes is put."""

import shutil
import threading
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from signflow.annotations import Clip, WantedVideo
from signflow.annotations.sections import is_section, sections_in
from signflow.download.config import DownloadConfig
from signflow.download.cookies import Cookies
from signflow.download.cut import Cutter, UncuttableError
from signflow.download.outcome import UnavailableError
from signflow.download.pace import Meter
from signflow.download.ranges import NoRangesError, RemoteFile
from signflow.download.stretches import missing_clips, needed_stretches
from signflow.download.web import fetch_file
from signflow.download.youtube import fetch_with_ytdlp, find_media

YOUTUBE = "www.youtube.com"


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What lies in the directory of one video.

    Attributes:
        file: the file's name; where there are sections only, the video's name, without suffix.
        bytes: of the file, or of all sections.
        sections: names of the files that hold sections, in order of time.
        note: why it came whole though sections were asked for; else empty.
    """

    file: str
    bytes: int
    sections: tuple[str, ...] = ()
    note: str = ""


class Fetcher:
    """Fetches videos into a directory; what is not complete yet lies in `.partial` there.

    Safe to use from many threads, for one video in each.
    """

    def __init__(
        self, folder: Path, *, config: DownloadConfig, cookies: Cookies, stop: threading.Event
    ) -> None:
        self._folder = folder
        self._config = config
        self._cookies = cookies
        self._stop = stop
        self._sections = sections_in(folder.iterdir())

    def there(self, video: WantedVideo) -> Fetched | None:
        """What is there of a video, where its clips need nothing more; else None."""
        place = Path(video.clips[0].source)
        if not is_section(place) and place.exists():
            return Fetched(file=place.name, bytes=place.stat().st_size)
        sections = self.sections(video)
        if self._config.sections and sections.sections and not self._missing(video):
            return sections
        return None

    def sections(self, video: WantedVideo) -> Fetched:
        """The sections of a video that are there, whether or not they are enough."""
        paths = [path for _, path in self._sections.get(video.name, [])]
        return Fetched(
            file=video.name,
            bytes=sum(path.stat().st_size for path in paths),
            sections=tuple(path.name for path in paths),
        )

    def fetch(self, video: WantedVideo, address: str) -> Fetched:
        """Fetch what is missing of a video, whole or in sections, and put it in its place.

        Raises:
            UnavailableError: it could not be had; sections that are complete stay, and what else
                has come where it says so.
            StoppedError: the run is being stopped.
            OSError: it cannot be written (disk full, no permission).
        """
        beside = self._folder / ".partial" / video.name
        beside.mkdir(parents=True, exist_ok=True)
        try:
            fetched = self._fetch(video, address, beside)
        except UnavailableError as failure:
            if not failure.keep:
                shutil.rmtree(beside, ignore_errors=True)
            raise
        shutil.rmtree(beside, ignore_errors=True)
        return fetched

    def _fetch(self, video: WantedVideo, address: str, beside: Path) -> Fetched:
        if not self._config.sections:
            return self._fetch_whole(video, address, beside)
        try:
            self._fetch_sections(video, address, beside)
        except (UncuttableError, NoRangesError) as reason:
            whole = self._fetch_whole(video, address, beside)
            return replace(whole, note=f"came whole: {reason}")
        return self.sections(video)

    def _fetch_whole(self, video: WantedVideo, address: str, beside: Path) -> Fetched:
        config, meter = self._config, Meter(self._config, self._stop)
        if _is_youtube(address):
            path, suffix = fetch_with_ytdlp(
                address, beside, config=config, cookies=self._cookies.text, meter=meter
            )
        else:
            path, suffix = fetch_file(
                address, beside, config=config, cookies=self._cookies.jar, meter=meter
            )
        place = self._folder / f"{video.name}{suffix}"
        path.replace(place)
        return Fetched(file=place.name, bytes=place.stat().st_size)

    def _fetch_sections(self, video: WantedVideo, address: str, beside: Path) -> None:
        """Fetch the missing sections one by one; each is in its place as soon as it is complete."""
        stretches = needed_stretches(self._missing(video), config=self._config)
        if not stretches or stretches[0].covers(None, None):
            raise UncuttableError("its clips do not say which part of it they are")
        with closing(Cutter(self._open(address, beside))) as cutter:
            if cutter.is_mostly(stretches):
                raise UncuttableError("its clips take up most of it")
            for stretch in stretches:
                draft = beside / f"section{cutter.suffix}"
                cutter.write(stretch, draft)
                place = self._folder / stretch.file_name(video.name, suffix=cutter.suffix)
                draft.replace(place)
                known = self._sections.get(video.name, [])
                self._sections[video.name] = sorted([*known, (stretch, place)])

    def _open(self, address: str, beside: Path) -> RemoteFile:
        config, meter = self._config, Meter(self._config, self._stop)
        if not _is_youtube(address):
            return RemoteFile(address, config=config, cookies=self._cookies.jar, meter=meter)
        media = find_media(address, beside, config=config, cookies=self._cookies.text, meter=meter)
        if media is None:
            raise NoRangesError("YouTube offers it in fragments only")
        return RemoteFile(
            media.url, config=config, cookies=media.cookies, meter=meter, headers=media.headers
        )

    def _missing(self, video: WantedVideo) -> list[Clip]:
        held = [stretch for stretch, _ in self._sections.get(video.name, [])]
        return missing_clips(video.clips, held)


def _is_youtube(address: str) -> bool:
    return urlsplit(address).hostname == YOUTUBE
