"""A timeline as a file: JSON, CSV, WebVTT subtitles, ELAN annotations, or a picture."""

import csv
import mimetypes
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from signflow.errors import UserError
from signflow.files import atomic_path, write_json
from signflow.recognition.spot import Timeline
from signflow.recognition.windows import Spotted

SCHEMA_VERSION = 1
NOT_SURE = "not sure"
SIGNS_TIER, GUESSES_TIER = "signs", NOT_SURE


def check_timeline_path(path: Path) -> None:
    """Make sure that a timeline can be written as `path` says.

    Raises:
        UserError: its suffix is none of those that are known, or what it needs is not installed.
    """
    if path.suffix.lower() not in _WRITERS:
        known = ", ".join(_WRITERS)
        raise UserError(f"--out {path}: must end in one of {known}")
    if path.suffix.lower() == ".eaf":
        _pympi()


def write_timeline(path: Path, timeline: Timeline) -> None:
    """Write a timeline, atomically, in the format that the suffix of `path` says.

    - `.json`: everything, with all predictions.
    - `.csv`: a row a sign: start, stop, gloss (empty where not sure), score, guess.
    - `.vtt`: WebVTT subtitles; what is not sure carries a question mark.
    - `.eaf`: ELAN, with a tier of signs and one of guesses that are not sure.
    - `.png`: a picture, with a thumbnail of each sign.

    Raises:
        UserError: see `check_timeline_path`.
    """
    check_timeline_path(path)
    _WRITERS[path.suffix.lower()](path, timeline)


def timeline_to_dict(timeline: Timeline) -> dict[str, Any]:
    """A timeline as JSON values."""
    return {
        "schema_version": SCHEMA_VERSION,
        "video": str(timeline.video),
        "seconds": round(timeline.seconds, 3),
        "cut_off": timeline.cut_off,
        "signs": [
            {
                "start": round(sign.start, 3),
                "stop": round(sign.stop, 3),
                "gloss": sign.gloss,
                "sure": sign.sure,
                "score": sign.score,
                "predictions": [asdict(prediction) for prediction in sign.predictions],
            }
            for sign in timeline.signs
        ],
    }


def _write_csv(path: Path, timeline: Timeline) -> None:
    with atomic_path(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["start", "stop", "gloss", "score", "guess"])
        for sign in timeline.signs:
            times = [f"{sign.start:.3f}", f"{sign.stop:.3f}"]
            guess = sign.predictions[0].gloss
            table.writerow([*times, sign.gloss or "", f"{sign.score:.4f}", guess])


def _write_vtt(path: Path, timeline: Timeline) -> None:
    lines = ["WEBVTT", ""]
    for sign in timeline.signs:
        start, stop = _milliseconds(sign)
        lines += [f"{_clock(start)} --> {_clock(stop)}", _cue(sign), ""]
    with atomic_path(path) as beside:
        beside.write_text("\n".join(lines), encoding="utf-8")


def _cue(sign: Spotted) -> str:
    text = " ".join(sign.predictions[0].gloss.split())
    for letter, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(letter, name)
    return text if sign.sure else f"{text}?"


def _clock(milliseconds: int) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}"


def _write_eaf(path: Path, timeline: Timeline) -> None:
    elan = _pympi().Elan.Eaf(author="signflow")
    elan.remove_tier("default")
    media = timeline.video.absolute()
    kind = mimetypes.guess_type(media.name)[0] or "video/mp4"
    elan.add_linked_file(media.as_uri(), relpath=f"./{media.name}", mimetype=kind)
    for tier in (SIGNS_TIER, GUESSES_TIER):
        elan.add_tier(tier)
    for sign in timeline.signs:
        start, stop = _milliseconds(sign)
        tier = SIGNS_TIER if sign.sure else GUESSES_TIER
        elan.add_annotation(tier, start, stop, sign.predictions[0].gloss)
    with atomic_path(path) as beside:
        elan.to_file(str(beside))


def _pympi() -> Any:
    try:
        import pympi
    except ImportError:
        raise UserError("ELAN files need pympi-ling: pip install 'signflow[elan]'") from None
    return pympi


def _milliseconds(sign: Spotted) -> tuple[int, int]:
    """Start and stop, whole, at least one apart."""
    start = round(sign.start * 1000)
    return start, max(start + 1, round(sign.stop * 1000))


def _write_json(path: Path, timeline: Timeline) -> None:
    write_json(path, timeline_to_dict(timeline))


def _write_picture(path: Path, timeline: Timeline) -> None:
    from signflow.recognition.timeline_picture import write_picture  # and Matplotlib

    write_picture(path, timeline)


_WRITERS: dict[str, Callable[[Path, Timeline], None]] = {
    ".json": _write_json,
    ".csv": _write_csv,
    ".vtt": _write_vtt,
    ".eaf": _write_eaf,
    ".png": _write_picture,
}
