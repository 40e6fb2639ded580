"""What an audit found, on the terminal."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text as Line

from signflow.annotations import SPLITS
from signflow.audit.findings import Audit, Shared, Spread, Text, counted_leaks
from signflow.audit.pairs import Pair

MOST_LINES = 8
"""A list on the terminal is no longer; `audit.json` and the report have all of it."""


def audit_tables(audit: Audit) -> Iterator[RenderableType]:
    """Yield the tables and lines that say what an audit found, the leaks last."""
    yield _availability(audit)
    yield from _worst_classes(audit)
    yield _spreads(audit)
    yield from _sizes(audit)
    yield from (_shared(each) for each in audit.shared if _says_something(each))
    yield from _pairs(audit.stretches, title="the same stretch of the same video")
    if audit.compared:
        yield from _pairs(audit.copies, title="copies under different names")
    yield _compared(audit)
    yield from _text(audit.text)
    yield _verdict(audit)


def _availability(audit: Audit) -> Table:
    table = Table(title=audit.origin, title_justify="left")
    for heading in ("split", "available", "asked for", "glosses"):
        table.add_column(heading, justify="left" if heading == "split" else "right")
    for split in SPLITS:
        found = audit.splits[split]
        glosses = sum(each.splits[split].available > 0 for each in audit.per_class)
        table.add_row(split, str(found.available), str(found.asked), str(glosses))
    for reason, count in audit.reasons.items():
        table.add_row(Line(f"  {reason}", style="red"), "", str(count), "")
    return table


def _worst_classes(audit: Audit) -> Iterator[Table]:
    hit = sorted((each for each in audit.per_class if each.missing), key=lambda c: -c.missing)
    if not hit or not audit.available:
        return
    table = Table(title="Classes worst hit: available of asked for", title_justify="left")
    table.add_column("gloss")
    for split in SPLITS:
        table.add_column(split, justify="right")
    for each in hit[:MOST_LINES]:
        cells = [f"{each.splits[s].available} of {each.splits[s].asked}" for s in SPLITS]
        table.add_row(Line(each.gloss), *cells)
    if len(hit) > MOST_LINES:
        table.caption = f"and {len(hit) - MOST_LINES} more classes that miss some"
        table.caption_justify = "left"
    yield table


def _spreads(audit: Audit) -> Table:
    table = Table(title="Clips", title_justify="left")
    for heading in ("", "least", "5 %", "median", "95 %", "most", "clips"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, spread, digits in (
        ("seconds", audit.seconds, 2),
        ("frames", audit.frames, 0),
        ("frames per second", audit.fps, 2),
        ("flow at the bound, %", _times(audit.saturated, 100), 2),
    ):
        if spread is not None:
            values = (spread.least, spread.low, spread.median, spread.high, spread.most)
            table.add_row(name, *(f"{each:.{digits}f}" for each in values), str(spread.count))
    return table


def _times(spread: Spread | None, factor: float) -> Spread | None:
    if spread is None:
        return None
    values = {
        name: factor * getattr(spread, name) for name in ("least", "low", "median", "high", "most")
    }
    return Spread(count=spread.count, **values)


def _sizes(audit: Audit) -> Iterator[Line]:
    if audit.sizes:
        shown = ", ".join(f"{width} x {height} ({n})" for width, height, n in audit.sizes[:5])
        more = f" and {len(audit.sizes) - 5} more" if len(audit.sizes) > 5 else ""
        yield Line(f"Pictures: {shown}{more}")
    if audit.worst_saturated:
        clip_id, share = audit.worst_saturated[0]
        yield Line(f"Most flow at the bound: {clip_id}, {share:.1%}")


def _shared(shared: Shared) -> Line:
    """A line on signers, groups or videos: red where signers lie in two parts."""
    what = shared.what.capitalize()
    if not shared.known:
        return Line(f"{what}: not known of any clip", style="yellow" if _matters(shared) else "")
    parts = "fold " if shared.between == "folds" else ""
    each = ", ".join(f"{parts}{part} {count}" for part, count in shared.each.items())
    unknown = shared.clips - shared.known
    words = f"{what}: {each}"
    words += f"; not known of {unknown} clips" if unknown else ""
    if not shared.shared:
        return Line(f"{words}; none in two {shared.between}")
    first = ", ".join(
        f"{Path(name).name if shared.what == 'videos' else name} ({'+'.join(where)})"
        for name, where in shared.shared[:4]
    )
    more = ", ..." if len(shared.shared) > 4 else ""
    words += f"; {len(shared.shared)} in two {shared.between} or more: {first}{more}"
    return Line(words, style="red" if _matters(shared) else "yellow")


def _says_something(shared: Shared) -> bool:
    if shared.what == "videos":
        return bool(shared.shared)
    return shared.known > 0 or shared.between == "splits"


def _matters(shared: Shared) -> bool:
    return shared.what == "signers"


def _pairs(pairs: Sequence[Pair], *, title: str) -> Iterator[RenderableType]:
    if not pairs:
        yield Line(f"No two clips are {title}")
        return
    leaks = [pair for pair in pairs if pair.leaks_between]
    wrong = sum(not pair.same_gloss for pair in pairs)
    table = Table(
        title=f"{len(pairs)} pairs of clips are {title}: {len(leaks)} leak"
        + (f", {wrong} have different glosses" if wrong else ""),
        title_justify="left",
        title_style="red" if leaks else "yellow",
    )
    for heading in ("first", "second", "between", "glosses", "strength"):
        table.add_column(heading, justify="right" if heading == "strength" else "left")
    others = [pair for pair in pairs if not pair.leaks_between]
    shown = sorted(leaks, key=_urgency) + sorted(others, key=_urgency)
    for pair in shown[:MOST_LINES]:
        glosses = pair.glosses[0] if pair.same_gloss else " / ".join(pair.glosses)
        strength = f"{pair.strength:.2f}{' mirrored' if pair.mirrored else ''}"
        table.add_row(*map(Line, (pair.first, pair.second, between(pair), glosses, strength)))
    if len(shown) > MOST_LINES:
        table.caption = f"and {len(shown) - MOST_LINES} more pairs"
        table.caption_justify = "left"
    yield table


def _urgency(pair: Pair) -> tuple[bool, bool, str]:
    return "test" not in pair.splits, pair.same_gloss, pair.first


def between(pair: Pair) -> str:
    """Where a pair's clips lie: "test, train", "fold 1, fold 3", or "train" for both."""
    if "splits" not in pair.leaks_between and "folds" in pair.leaks_between:
        return ", ".join(f"fold {fold}" for fold in pair.folds)
    return ", ".join(dict.fromkeys(pair.splits))


def _compared(audit: Audit) -> Line:
    if not audit.compared:
        return Line("Copies were not looked for: no clip's pictures could be had", style="yellow")
    return Line(f"Copies were looked for among {audit.compared} clips")


def _text(text: Text | None) -> Iterator[Line]:
    if text is None:
        yield Line(
            "Text in the picture was not looked at: --text does (pip install signflow[text])"
        )
        return
    yield Line(f"Text in the picture: {len(text.clips)} of {text.looked_at} clips")
    if text.naming:
        names = "; ".join(
            f"{clip.clip_id} ({clip.gloss}): {' | '.join(clip.text)}"
            for clip in text.naming[:MOST_LINES]
        )
        more = "; ..." if len(text.naming) > MOST_LINES else ""
        yield Line(
            f"TEXT NAMES THE GLOSS in {len(text.naming)} clips: {names}{more}", style="bold red"
        )
    for line, gloss, count in text.by_class[:MOST_LINES]:
        yield Line(f"The text {line!r} follows the class {gloss}: {count} clips", style="red")


def _verdict(audit: Audit) -> Line:
    if not audit.leaks:
        return Line("No leaks were found in what could be looked at", style="green")
    return Line(
        f"{counted_leaks(audit)}; signflow build --drop-leaks leaves out those by stretch or copy",
        style="bold red",
    )
