"""Plans for stand-ins of the videos that real MS-ASL annotations speak of."""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signflow.annotations.clip import SPLITS, Box
from signflow.annotations.urls import video_id
from signflow.errors import UserError
from signflow.files import read_json
from signflow.synth.plan import Request, VideoPlan, takes_of
from signflow.synth.signer import random_source

_SIZES = (48, 4096)
_RATES = (1.0, 240.0)


@dataclass(frozen=True, kw_only=True)
class MsaslVideos:
    """The videos of an annotation folder.

    Attributes:
        plans: one for each video, ordered by id.
        clips: how many entries each video has, by id.
        skipped: entries whose URL names no video.
    """

    plans: list[VideoPlan]
    clips: Counter[str]
    skipped: int


def plan_annotations(
    annotations: Path, *, classes: int, seed: int, left_handed_share: float
) -> MsaslVideos:
    """Read `MSASL_{train,val,test}.json` and plan a video for every URL in it.

    Raises:
        UserError: there is none of these files, or an entry lacks what is needed; the message
            names file, entry and value.
    """
    entries: dict[str, list[dict[str, Any]]] = defaultdict(list)
    skipped = 0
    for path in _files(annotations):
        for number, entry in enumerate(_read(path)):
            values = _values(entry, f"{path}: entry {number}")
            if values["label"] >= classes:
                continue
            if values["id"] is None:
                skipped += 1
            else:
                entries[values["id"]].append(values)
    plans = [
        _plan(name, entries[name], seed=seed, left_handed_share=left_handed_share)
        for name in sorted(entries)
    ]
    clips = Counter({name: len(found) for name, found in entries.items()})
    return MsaslVideos(plans=plans, clips=clips, skipped=skipped)


def _files(annotations: Path) -> list[Path]:
    found = [annotations / f"MSASL_{split}.json" for split in SPLITS]
    found = [path for path in found if path.exists()]
    if not found:
        raise UserError(
            f"{annotations}: holds no MSASL_train.json, MSASL_val.json or MSASL_test.json;"
            " give the folder with the annotation files of MS-ASL"
        )
    return found


def _read(path: Path) -> list[Any]:
    entries = read_json(path, what="MS-ASL annotations")
    if not isinstance(entries, list):
        raise UserError(f"{path}: holds no list of clips; expected MS-ASL annotations")
    return entries


def _values(entry: Any, where: str) -> dict[str, Any]:
    """Return what is needed of an entry, checked."""
    if not isinstance(entry, dict):
        raise UserError(f"{where}: is no object with url, label, start_time, ...")
    label, url = entry.get("label"), entry.get("url")
    if not isinstance(label, int) or isinstance(label, bool) or label < 0:
        raise UserError(f"{where}: label {label!r} is no class number; it must be 0 or more")
    if not isinstance(url, str):
        raise UserError(f"{where}: url {url!r} is no text")
    start, end = (_number(entry, key, where, 0, 1e6) for key in ("start_time", "end_time"))
    low, high = _SIZES
    return {
        "id": video_id(url),
        "label": label,
        "start": min(start, end),
        "end": max(start, end),
        "fps": _number(entry, "fps", where, *_RATES),
        "width": _even(_number(entry, "width", where, low, high)),
        "height": _even(_number(entry, "height", where, low, high)),
        "signer": str(entry.get("signer_id", entry.get("signer", "unknown"))),
        "box": _box(entry.get("box")),
    }


def _number(entry: dict[str, Any], key: str, where: str, low: float, high: float) -> float:
    value = entry.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:  # type: ignore[arg-type, operator]
        raise UserError(f"{where}: {key} {value!r} must be a number from {low:g} to {high:g}")
    return float(value)  # type: ignore[arg-type]


def _box(value: Any) -> Box:
    """Return an entry's box, or one in the middle where it holds none that makes sense."""
    try:
        y0, x0, y1, x1 = (min(max(float(edge), 0.0), 1.0) for edge in value)
    except (TypeError, ValueError):
        return 0.05, 0.2, 1.0, 0.8
    if not (y1 - y0 > 0.1 and x1 - x0 > 0.1):
        return 0.05, 0.2, 1.0, 0.8
    return y0, x0, y1, x1


def _even(length: float) -> int:
    """Return the nearest even number of pixels: H.264 with 4:2:0 colour has no other."""
    return max(2, round(length / 2) * 2)


def _plan(
    name: str, entries: list[dict[str, Any]], *, seed: int, left_handed_share: float
) -> VideoPlan:
    rng = random_source("stand-in", seed, name)
    first = entries[0]
    fps, width, height = first["fps"], first["width"], first["height"]
    end = max(entry["end"] for entry in entries)
    frames = math.ceil((end + float(rng.uniform(0.4, 1.6))) * fps)
    requests = [
        Request(
            first=round(entry["start"] * fps),
            last=round(entry["end"] * fps),
            label=entry["label"],
            signer=entry["signer"],
            box=entry["box"],
            seed=int(rng.integers(2**31)),
        )
        for entry in entries
    ]
    return VideoPlan(
        name=name,
        width=width,
        height=height,
        fps=fps,
        seed=int(rng.integers(2**31)),
        signer_seed=seed,
        left_handed_share=left_handed_share,
        takes=takes_of(requests, frames=max(frames, 8), fps=fps, aspect=width / height),
    )
