"""Figures as people read them, on the page and on the terminal."""

import math

from signflow.evaluation.intervals import Interval

NOTHING = "–"


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share of 0 to 1 as `35.9 %`; a dash for None and not a number."""
    if share is None or math.isnan(share):
        return NOTHING
    return f"{100 * share:.{digits}f}\N{NO-BREAK SPACE}%"


def span(interval: Interval) -> str:
    """Return an interval's bounds in per cent, `26.8–46.1`; nothing where there are none."""
    if interval.low is None or interval.high is None:
        return ""
    return f"{100 * interval.low:.1f}–{100 * interval.high:.1f}"


def duration(seconds: float | None) -> str:
    """Return a time as `48 s`, `3 min 12 s` or `2 h 05 min`; a dash for None."""
    if seconds is None:
        return NOTHING
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def rate(value: float) -> str:
    """Return a learning rate in a short form: `1e-5`."""
    return f"{value:g}".replace("e-0", "e-")
