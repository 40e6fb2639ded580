"""Figures as people read them, on the page and on the terminal."""

import math
import re
from decimal import Decimal

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
    """Return a learning rate in a short form: `1e-5`, `5e-4`, `0.001`."""
    if 0 < abs(value) < 0.001:
        return f"{Decimal(repr(value)).normalize():e}"
    return f"{value:g}"


def points(share: float) -> str:
    """Return a difference of shares in percentage points: `6.2`."""
    return f"{100 * share:.1f}"


def signed_points(interval: Interval) -> str:
    """Return a difference with its bounds in percentage points, `+6.2 (-1.0 to +13.4)`."""
    if interval.value is None:
        return NOTHING
    value = f"{100 * interval.value:+.1f}"
    if interval.low is None or interval.high is None:
        return value
    return f"{value} ({100 * interval.low:+.1f} to {100 * interval.high:+.1f})"


def chance(p: float | None) -> str:
    """Return a p value as people quote it: `0.03`, `< 0.001`; a dash for None."""
    if p is None:
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def figure(interval: Interval, *, percent: bool) -> str:
    """Return a figure with its bounds, `35.9 [26.8–46.1]` in per cent or `1.934 [1.711–2.203]`."""
    if interval.value is None:
        return NOTHING
    times, digits = (100, 1) if percent else (1, 3)
    value = f"{times * interval.value:.{digits}f}"
    if interval.low is None or interval.high is None:
        return value
    return f"{value} [{times * interval.low:.{digits}f}–{times * interval.high:.{digits}f}]"


def unbroken(text: str) -> str:
    """Return text whose rates, `1e-5`, are not broken at the end of a line."""
    return re.sub(r"(\de)-(\d)", "\\1\N{NON-BREAKING HYPHEN}\\2", text)
