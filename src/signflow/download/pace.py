"""Politeness: pauses between requests to one host, bounds on a download's speed and size."""

import threading
import time

from signflow.download.config import DownloadConfig
from signflow.download.outcome import StoppedError, UnavailableError

_BLOCKED_IN_A_ROW = 3
_SLOWEST = 1000.0  # bytes per second


class Hosts:
    """When each host may be asked again, and whether it still wants to be asked.

    A host that blocks three times in a row is left alone for the rest of the run: going on would
    only make a rate limit last longer.
    """

    def __init__(self, *, pause: float, stop: threading.Event) -> None:
        self._pause = pause
        self._stop = stop
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}
        self._blocked: dict[str, int] = {}

    def wait(self, host: str) -> None:
        """Sleep until `host` may be asked, and take that moment.

        Raises:
            StoppedError: the run is being stopped.
        """
        with self._lock:
            moment = max(time.monotonic(), self._next.get(host, 0.0))
            self._next[host] = moment + self._pause
        if self._stop.wait(max(0.0, moment - time.monotonic())):
            raise StoppedError

    def is_closed(self, host: str) -> bool:
        """Whether `host` is left alone for the rest of the run."""
        with self._lock:
            return self._blocked.get(host, 0) >= _BLOCKED_IN_A_ROW

    def answered(self, host: str, *, blocked: bool) -> None:
        """Take note of an answer."""
        with self._lock:
            self._blocked[host] = self._blocked.get(host, 0) + 1 if blocked else 0


class Meter:
    """Watches one download: too much, too slow, too fast, or no longer wanted."""

    def __init__(self, config: DownloadConfig, stop: threading.Event) -> None:
        self._config = config
        self._stop = stop
        # Both count from the first bytes: before them pages are read and connections made, which
        # have a timeout of their own.
        self._began: tuple[float, int] | None = None
        self._window: tuple[float, int] | None = None

    def expects(self, total: int) -> None:
        """Refuse at once what says that it is too large (bytes).

        Raises:
            UnavailableError: it is.
        """
        if total > self._config.max_bytes:
            limit = f"{self._config.max_megabytes:g}"
            raise UnavailableError(
                "failed", f"larger than {limit} MB; --max-megabytes takes more from the next try"
            )

    def saw(self, total: int, *, slow_down: bool = False) -> None:
        """Take note that a download has come to `total` bytes.

        Args:
            total: bytes on disk, those of an earlier try included.
            slow_down: sleep where it is faster than it may be.

        Raises:
            UnavailableError: it is too large or too slow.
            StoppedError: the run is being stopped.
        """
        if self._stop.is_set():
            raise StoppedError
        self.expects(total)
        now = time.monotonic()
        self._began = began, first = self._began or (now, total)
        self._window = since, at_since = self._window or (now, total)
        if now - since >= self._config.timeout:
            if total - at_since < _SLOWEST * (now - since):
                raise UnavailableError("failed", "slower than 1 kB/s", again=True, keep=True)
            self._window = now, total
        if slow_down:
            due = (total - first) / (self._config.megabytes_per_second * 1e6)
            self._stop.wait(max(0.0, began + due - now))
