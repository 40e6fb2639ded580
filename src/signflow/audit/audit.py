"""An honest look at a set before any training: what can be had, and what leaks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from signflow.annotations import ClipList, ReadOptions, read_clips, wanted_videos
from signflow.annotations.urls import video_name
from signflow.audit import counts
from signflow.audit.book import Book, book_of_store, book_of_videos, file_state
from signflow.audit.copies import find_copies
from signflow.audit.findings import Audit, Text, read_audit, write_audit
from signflow.audit.matching import COPY_SCORE
from signflow.audit.pairs import Pair
from signflow.audit.stretches import LEAST_OVERLAP, find_stretches, same_videos
from signflow.audit.text import PICTURES, check_reader, text_of_store, text_of_videos
from signflow.errors import UserError
from signflow.store import ClipRow, Store
from signflow.store.recipe import fingerprint

AUDIT_FILE = "audit.json"
"""The name of what an audit found, in a store's directory or where `--out` says."""

WORK_FOLDER = "audit"
"""Beside it: sketches and what was read, so that an audit goes on, and a second one is quick."""


def audit_store(path: Path, *, text: bool = False, workers: int | None = None) -> Audit:
    """Audit a store, or go on with it; write `audit.json` into its directory.

    Only built clips can leak: they alone are looked at for that.

    Args:
        path: the store.
        text: also read text in the pictures; what an earlier audit read is kept without.
        workers: processes; None: one per core.

    Raises:
        UserError: there is no store, `workers` is below 1, or text cannot be read.
    """
    _check(workers, text=text)
    store = Store.open(path)
    folder = path / WORK_FOLDER
    book = book_of_store(store, folder / "sketches", workers=workers)
    built = [row for row in store.rows if row.built]
    clips = ClipList(
        clips=tuple(row.clip for row in store.rows), classes=store.classes, origin=store.origin
    )
    audit = _audit(clips, store.rows, built, book, folder, workers=workers)
    found = text_of_store(store, folder, workers=workers) if text else None
    return _finish(path / AUDIT_FILE, audit, kind="store", of=store_identity(store), text=found)


def audit_source(
    source: Path,
    *,
    out: Path,
    options: ReadOptions | None = None,
    text: bool = False,
    workers: int | None = None,
) -> Audit:
    """Audit what could be built, from its videos, or go on with it; write `out/audit.json`.

    All clips are looked at for what annotations give away, also those whose videos are missing:
    they may turn up.

    Args:
        source: what `read_clips` reads.
        out: a directory for what was found; made if it is missing.
        options: how to read the source.
        text: see `audit_store`.
        workers: likewise.

    Raises:
        UserError: the source cannot be read, `workers` is below 1, `out` is a file, or text cannot
            be read.
    """
    _check(workers, text=text)
    options = options or ReadOptions()
    clips = read_clips(source, options=options)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; --out must be a directory")
    folder = out / WORK_FOLDER
    book = book_of_videos(clips.clips, folder / "sketches", workers=workers)
    by_id = {row.clip.clip_id: row for row in book.rows}
    rows = [by_id[clip.clip_id] for clip in clips.clips]
    addresses = _addresses(source, options)
    audit = _audit(clips, rows, rows, book, folder, workers=workers, addresses=addresses)
    found = text_of_videos(rows, folder, workers=workers) if text else None
    states = {clip.source: file_state(clip.source) for clip in clips.clips}
    of = fingerprint([_measures(), [asdict(clip) for clip in clips.clips], states])
    return _finish(out / AUDIT_FILE, audit, kind="source", of=of, text=found)


def fresh_audit(store: Store) -> Audit | None:
    """What an audit found of a store, where there is one and it is of this very store."""
    path = store.path / AUDIT_FILE
    if not path.is_file():
        return None
    try:
        audit = read_audit(path)
    except UserError:
        return None
    return audit if audit.fingerprint == store_identity(store) else None


def look_at_rows(store: Store) -> Audit:
    """What can be said of a store from its table of clips alone: all but copies and text."""
    rows = store.rows
    built = [row for row in rows if row.built]
    clips = ClipList(
        clips=tuple(row.clip for row in rows), classes=store.classes, origin=store.origin
    )
    audit = _audit(clips, rows, built, None, store.path / WORK_FOLDER, workers=1)
    return replace(audit, kind="store", fingerprint=store_identity(store))


def store_identity(store: Store) -> str:
    """What an audit of a store belongs to: the store, and how audits measure."""
    return fingerprint([_measures(), store.fingerprint])


def _audit(
    clips: ClipList,
    rows: Sequence[ClipRow],
    looked_at: Sequence[ClipRow],
    book: Book | None,
    folder: Path,
    *,
    workers: int | None,
    addresses: Mapping[str, str] | None = None,
) -> Audit:
    """Everything but the text; `rows` are all, and `looked_at` those that may leak.

    `folder` holds what is needed to go on.
    """
    videos = same_videos([row.clip for row in looked_at], addresses=addresses)
    stretches = find_stretches(looked_at, videos)
    copies: list[Pair] = []
    if book is not None:
        known = {frozenset((pair.first, pair.second)) for pair in stretches}
        kept = folder / "compared.json"
        copies = find_copies(book, clips.clips, workers=workers, known=known, kept=kept)
    return Audit(
        fingerprint="",
        kind="source",
        origin=clips.origin,
        clips=len(rows),
        classes=len(clips.classes),
        splits=counts.by_split(rows),
        per_class=counts.by_class(rows, clips.classes),
        reasons=dict(Counter(row.status for row in rows if not row.built).most_common()),
        folds=counts.folds_of(clips.clips),
        seconds=counts.spread_of([counts.seconds_of(row) for row in rows]),
        frames=counts.spread_of([row.video_frames for row in rows]),
        fps=counts.spread_of([row.fps for row in rows]),
        sizes=counts.sizes_of(rows),
        saturated=counts.spread_of([row.saturated for row in rows]),
        worst_saturated=counts.worst_saturated(rows),
        shared=counts.all_shared([row.clip for row in looked_at], videos),
        stretches=tuple(stretches),
        copies=tuple(copies),
        compared=0 if book is None else sum(row.built for row in book.rows),
        text=None,
    )


def _finish(path: Path, audit: Audit, *, kind: str, of: str, text: Text | None) -> Audit:
    if text is None and path.is_file():
        text = _text_before(path, of)
    audit = replace(audit, kind=kind, fingerprint=of, text=text)  # type: ignore[arg-type]
    write_audit(path, audit)
    return audit


def _text_before(path: Path, of: str) -> Text | None:
    try:
        before = read_audit(path)
    except UserError:
        return None
    return before.text if before.fingerprint == of else None


def _check(workers: int | None, *, text: bool) -> None:
    if workers is not None and workers < 1:
        raise UserError(f"--workers {workers}: must be 1 or more")
    if text:
        check_reader()


def _addresses(source: Path, options: ReadOptions) -> dict[str, str]:
    """One spelling of where each video can be had, by file name; nothing where no one knows."""
    try:
        wanted = wanted_videos(source, options=options)
    except UserError:
        return {}
    named = {video.name: video_name(video.url) for video in wanted if video.url is not None}
    return {name: spelling for name, spelling in named.items() if spelling is not None}


def _measures() -> list[float]:
    """What changes the findings of the same clips."""
    return [1, COPY_SCORE, LEAST_OVERLAP, PICTURES]
