"""Text burnt into the picture: a net that can read needs to know no sign.

Read by RapidOCR (the PP-OCR models, which lie in its wheel): it works offline, at half a second a
picture on one core.
"""

import functools
import json
import logging
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signflow.annotations import Clip
from signflow.audit.book import file_state, spread
from signflow.audit.findings import ClipText, Text
from signflow.errors import UserError
from signflow.files import write_json
from signflow.progress import progress_bar
from signflow.store import ClipRow, Store
from signflow.store.recipe import fingerprint
from signflow.video import Span, VideoFault, decode_spans, sample_centre

PICTURES = 2
"""Pictures that are read of a clip: a caption may come late or go early."""

LEAST_SURE = 0.8
"""The reader's own certainty, 0 to 1, from which on a line counts: hands and curtains are sometimes
taken for letters, with less."""

FEWEST_LETTERS = 2
"""Shorter lines do not count: an edge is easily an I."""

FEWEST_CLIPS = 3
"""Clips of a class that must share a text before it is said to follow the class."""

LONGEST_SIDE = 960
"""Pictures are shrunk to this for reading; lettering that a viewer can read stays legible."""

Pictures = Callable[[Clip], list[NDArray[np.uint8]]]


def check_reader() -> None:
    """Make sure that text can be read.

    Raises:
        UserError: the library is not installed.
    """
    try:
        import onnxruntime  # noqa: F401
        import rapidocr  # noqa: F401
    except ImportError:
        raise UserError(
            "--text needs the reader of text: pip install 'signflow[text]'; or audit without --text"
        ) from None


def text_of_videos(rows: Sequence[ClipRow], folder: Path, *, workers: int | None) -> Text:
    """Read the text in clips' videos, or go on doing so.

    Args:
        rows: the clips; those that cannot be had are passed over.
        folder: where what was read is kept.
        workers: processes; None: one per core.
    """
    clips = [row.clip for row in rows if row.built]
    keys = {
        clip.clip_id: fingerprint([PICTURES, asdict(clip), file_state(clip.source)])
        for clip in clips
    }
    return _text(clips, keys, folder, _pictures_of_video, workers=workers)


def text_of_store(store: Store, folder: Path, *, workers: int | None) -> Text:
    """Read the text in the frames that a store keeps, or go on doing so: see `text_of_videos`."""
    clips = [row.clip for row in store.rows if row.built]
    keys = {
        clip.clip_id: fingerprint([PICTURES, store.fingerprint, clip.clip_id]) for clip in clips
    }
    pictures = partial(_pictures_of_sample, store=store.path.absolute())
    return _text(clips, keys, folder, pictures, workers=workers)


def names_gloss(gloss: str, lines: Sequence[str]) -> bool:
    """Whether text names a gloss: its words stand in it, one after the other.

    Case, accents and punctuation do not matter, nor what sets its words apart; a gloss of four
    letters or more may be part of a word.

    Example:
        >>> names_gloss("thank you", ["THANK-YOU!"]), names_gloss("no", ["another"])
        (True, False)
    """
    words = " ".join(plain(line) for line in lines)
    wanted = plain(gloss)
    if not wanted:
        return False
    joined = wanted.replace(" ", "")
    return f" {wanted} " in f" {words} " or (len(joined) >= 4 and joined in words.replace(" ", ""))


def plain(text: str) -> str:
    """Text as small letters and digits, words apart by one blank."""
    spread_out = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(letter for letter in spread_out if not unicodedata.combining(letter))
    return " ".join(re.findall(r"\w+", kept.replace("_", " ")))


def texts_by_class(clips: Sequence[ClipText]) -> tuple[tuple[str, str, int], ...]:
    """Find the lines that only one class has, in three clips or more: (text, gloss, clips)."""
    glosses: dict[str, Counter[str]] = defaultdict(Counter)
    for clip in clips:
        for line in {plain(line) for line in clip.text} - {""}:
            glosses[line][clip.gloss] += 1
    found = [
        (line, *counts.most_common(1)[0])
        for line, counts in glosses.items()
        if len(counts) == 1 and counts.total() >= FEWEST_CLIPS
    ]
    return tuple(sorted(found, key=lambda each: (-each[2], each[0])))


def _text(
    clips: Sequence[Clip],
    keys: dict[str, str],
    folder: Path,
    pictures: Pictures,
    *,
    workers: int | None,
) -> Text:
    kept = folder / "lines.json"
    known: dict[str, list[str]] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    todo = [clip for clip in clips if keys[clip.clip_id] not in known]
    batches = [todo[start : start + 8] for start in range(0, len(todo), 8)]
    with progress_bar() as progress:
        task = progress.add_task("Reading text", total=len(todo), note="")
        read: Iterator[dict[str, list[str]]] = spread(
            partial(_read_all, pictures=pictures), batches, workers=workers
        )
        for lines in read:
            known.update({keys[clip_id]: found for clip_id, found in lines.items()})
            write_json(kept, known)
            progress.advance(task, len(lines))
    found = []
    for clip in clips:
        if lines_found := known[keys[clip.clip_id]]:
            found.append(
                ClipText(
                    clip_id=clip.clip_id,
                    gloss=clip.gloss,
                    split=clip.split,
                    text=tuple(lines_found),
                    names_gloss=names_gloss(clip.gloss, lines_found),
                )
            )
    return Text(looked_at=len(clips), clips=tuple(found), by_class=texts_by_class(found))


def _read_all(clips: Sequence[Clip], *, pictures: Pictures) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = {}
    for clip in clips:
        seen: dict[str, str] = {}
        for picture in pictures(clip):
            for line in _read(picture):
                seen.setdefault(plain(line), line)
        lines[clip.clip_id] = list(seen.values())
    return lines


def _read(picture: NDArray[np.uint8]) -> list[str]:
    # The reader takes BGR, as OpenCV does.
    found = _reader()(np.ascontiguousarray(picture[:, :, ::-1]))
    if found.txts is None:
        return []
    return [
        line
        for line, sure in zip(found.txts, found.scores, strict=True)
        if sure >= LEAST_SURE and len(plain(line).replace(" ", "")) >= FEWEST_LETTERS
    ]


@functools.cache
def _reader() -> Any:
    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    quiet = {
        "Global.log_level": "critical",
        "Global.max_side_len": LONGEST_SIDE,
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    }
    return RapidOCR(params=quiet)


def _pictures_of_video(clip: Clip) -> list[NDArray[np.uint8]]:
    results = decode_spans(
        clip.source,
        spans=[Span(clip.start, clip.end)],
        count=PICTURES,
        choose=sample_centre,
        size=None,
        frame_rate=clip.frame_rate,
    )
    return [
        picture
        for _, result in results
        if not isinstance(result, VideoFault)
        for picture in result.frames
    ]


def _pictures_of_sample(clip: Clip, *, store: Path) -> list[NDArray[np.uint8]]:
    sample = _store(store).sample(clip.clip_id)
    kept = sample.kept_frames
    return [np.asarray(kept[place]) for place in sample_centre(len(kept), PICTURES)]


@functools.lru_cache(maxsize=1)
def _store(path: Path) -> Store:
    return Store.open(path)
