"""How to ask, and how much to take."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DownloadConfig:
    """How much is fetched, and how gently.

    Attributes:
        height: pixels: of what YouTube offers, the largest picture up to this height.
        max_megabytes: a video that is larger is not taken, nor are sections that take more to get.
        at_once: how many videos are fetched at the same time.
        pause: seconds between the beginnings of two downloads from one host.
        megabytes_per_second: no download is faster than this.
        timeout: seconds of silence, or of less than 1 kB/s, after which a download is given up.
        tries: how often a video is asked for in one run when the network fails.
        sections: fetch only the stretches of a video that its clips need. A video that cannot be
            cut without loss, or a server that gives no parts of a file, comes whole.
        section_margin: seconds that are fetched before and after a clip as well.
        section_gap: stretches of a video with no more seconds than this between them are fetched as
            one.
    """

    height: int = 720
    max_megabytes: float = 500.0
    at_once: int = 2
    pause: float = 5.0
    megabytes_per_second: float = 4.0
    timeout: float = 30.0
    tries: int = 3
    sections: bool = False
    section_margin: float = 0.5
    section_gap: float = 5.0

    def __post_init__(self) -> None:
        least_allowed = {"height": 1, "at_once": 1, "tries": 1, "pause": 0}
        for name, least in {**least_allowed, "section_margin": 0, "section_gap": 0}.items():
            if not least <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; must be {least} or more")
        for name in ("max_megabytes", "megabytes_per_second", "timeout"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; must be more than 0")

    @property
    def max_bytes(self) -> int:
        """`max_megabytes` in bytes."""
        return int(self.max_megabytes * 1_000_000)
