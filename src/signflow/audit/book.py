"""A book of sketches: made by worker processes, kept on disk, looked up by memory map.

A folder of Arrow files, one for a handful of videos, each named by what it was made from (the
clips, and the size and date of their files). So a stopped audit goes on, a video that was added
since is looked at, and what has not changed is not looked at again.
"""

import bisect
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import partial
from itertools import accumulate
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from signflow.annotations import Clip
from signflow.audit.sketches import SIDE, Sketch, sketch_samples, sketch_videos
from signflow.columns import table_of
from signflow.errors import UserError
from signflow.files import atomic_path
from signflow.processes import available_cores, one_thread_for_products, worker_pool
from signflow.progress import progress_bar
from signflow.store import ClipRow, Store
from signflow.store.plan import SMALL_SET_PIECES
from signflow.store.recipe import fingerprint

FORMAT = 1
"""Part of a page's name: pages that were sketched otherwise are not taken up."""

PAGE_CLIPS = 32
"""A page is closed when it holds so many clips, of a small set of videos sooner. The clips of one
video stay together."""

_FACTS = ("status", "reason", "video_frames", "fps", "width", "height")
_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("video_frames", pa.int32()),
        ("fps", pa.float64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("times", pa.list_(pa.float64())),
        ("frames", pa.large_binary()),
    ]
)


@dataclass(frozen=True)
class Page:
    """What one worker sketches at a time: clips of a few videos, or neighbours in a store."""

    name: str
    clips: tuple[Clip, ...]


class Sketches:
    """Sketches by their number; what is not looked at is not in memory."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Open pages, by their paths."""
        self.pages = [pa.ipc.open_file(pa.memory_map(str(path))).read_all() for path in paths]
        self._starts = [0, *accumulate(len(page) for page in self.pages)]

    def __len__(self) -> int:
        """Number of clips, sketched or not."""
        return self._starts[-1]

    def __getitem__(self, number: int) -> Sketch | None:
        """The sketch of a clip, 0 to `len - 1`; None where it could not be had."""
        page = bisect.bisect_right(self._starts, number) - 1
        table, place = self.pages[page], number - self._starts[page]
        piece = table.column("frames")[place].as_buffer()
        if piece is None:
            return None
        frames = np.frombuffer(piece, dtype=np.uint8).reshape(-1, SIDE, SIDE)
        return Sketch(frames, np.array(table.column("times")[place].as_py()))


@dataclass(frozen=True, eq=False)
class Book:
    """A set's clips and their sketches, in one order.

    Attributes:
        rows: a row for every clip: what could be had, or why not.
        paths: of the pages, from which another process can open the sketches.
        sketches: of the clips.
    """

    rows: list[ClipRow]
    paths: tuple[Path, ...]
    sketches: Sketches


def book_of_videos(clips: Sequence[Clip], folder: Path, *, workers: int | None) -> Book:
    """Sketch clips from their videos, or go on doing so.

    Args:
        clips: what to sketch; videos that are missing have rows that say so.
        folder: where the pages lie; whatever else is in it is removed.
        workers: processes; None: one per core. 1 works in this process.
    """
    by_source: dict[str, list[Clip]] = {}
    for clip in clips:
        by_source.setdefault(clip.source, []).append(clip)
    # A power of two, so that pages stay what they are while a set grows, but where it has doubled.
    full = min(PAGE_CLIPS, 1 << ((len(clips) - 1) // SMALL_SET_PIECES).bit_length())
    pages: list[Page] = []
    held: list[Clip] = []
    for members in by_source.values():
        held += members
        if len(held) >= full:
            pages.append(_page(held))
            held = []
    if held:
        pages.append(_page(held))
    return _book(pages, partial(_sketch_videos, folder=folder), folder, clips, workers)


def book_of_store(store: Store, folder: Path, *, workers: int | None) -> Book:
    """Sketch the built clips of a store from the frames that it keeps, or go on doing so.

    Args:
        store: the store.
        folder: see `book_of_videos`.
        workers: likewise.
    """
    stored = sorted(
        (row for row in store.rows if row.shard is not None), key=attrgetter("shard", "row")
    )
    pages = [
        Page(
            fingerprint([FORMAT, store.fingerprint, start, PAGE_CLIPS]),
            tuple(row.clip for row in stored[start : start + PAGE_CLIPS]),
        )
        for start in range(0, len(stored), PAGE_CLIPS)
    ]
    sketch = partial(_sketch_samples, store=store.path.absolute(), folder=folder)
    return _book(pages, sketch, folder, [row.clip for row in store.rows], workers)


def _page(clips: Sequence[Clip]) -> Page:
    files = {clip.source: file_state(clip.source) for clip in clips}
    name = fingerprint([FORMAT, [asdict(clip) for clip in clips], files])
    return Page(name, tuple(clips))


def file_state(source: str) -> tuple[int, int] | None:
    """Size and date of a video; None where it is not there. Of a folder of images, its date."""
    try:
        found = Path(source).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _book(
    pages: Sequence[Page],
    sketch: Callable[[Page], int],
    folder: Path,
    clips: Sequence[Clip],
    workers: int | None,
) -> Book:
    paths = [_path(folder, page) for page in pages]
    folder.mkdir(parents=True, exist_ok=True)
    for stale in set(folder.iterdir()) - set(paths):
        stale.unlink()
    todo = [page for page, path in zip(pages, paths, strict=True) if not path.exists()]
    with progress_bar() as progress:
        task = progress.add_task("Looking", total=sum(len(page.clips) for page in todo), note="")
        for done in spread(sketch, todo, workers=workers):
            progress.advance(task, done)
    return _open(paths, clips)


def _open(paths: Sequence[Path], clips: Sequence[Clip]) -> Book:
    by_id = {clip.clip_id: clip for clip in clips}
    sketches = Sketches(paths)
    rows = [
        ClipRow(clip=by_id[facts.pop("clip_id")], **facts)
        for page in sketches.pages
        for facts in page.select(["clip_id", *_FACTS]).to_pylist()
    ]
    return Book(rows, tuple(paths), sketches)


def spread(
    work: Callable[[Any], Any], todo: Sequence[Any], *, workers: int | None
) -> Iterator[Any]:
    """Do pieces of work in worker processes, and give out what comes of them as it comes.

    Raises:
        UserError: a process died (exit status 1).
    """
    workers = min(available_cores() if workers is None else workers, len(todo))
    if workers <= 1:
        with one_thread_for_products():
            yield from map(work, todo)
        return
    try:
        with worker_pool(workers) as pool:
            futures: list[Future[Any]] = [pool.submit(work, piece) for piece in todo]
            for future in as_completed(futures):
                yield future.result()
    except BrokenProcessPool:
        raise UserError(
            "a worker process died (out of memory, or a video that crashes the decoder); what was"
            " looked at so far is kept: give the same command again, perhaps with --workers 1",
            exit_status=1,
        ) from None


def _sketch_videos(page: Page, *, folder: Path) -> int:
    by_source: dict[str, list[Clip]] = {}
    for clip in page.clips:
        by_source.setdefault(clip.source, []).append(clip)
    found = [each for clips in by_source.values() for each in _sound(clips)]
    return _write(_path(folder, page), page, found)


def _sound(clips: Sequence[Clip]) -> Iterator[tuple[ClipRow, Sketch | None]]:
    # Images of a folder may be said to go by at different rates; a video has its own.
    by_rate: dict[float | None, list[Clip]] = {}
    for clip in clips:
        by_rate.setdefault(clip.frame_rate, []).append(clip)
    for members in by_rate.values():
        yield from sketch_videos(members)


def _sketch_samples(page: Page, *, store: Path, folder: Path) -> int:
    opened = Store.open(store)
    rows = [opened.row(clip.clip_id) for clip in page.clips]
    return _write(_path(folder, page), page, list(sketch_samples(opened, rows)))


def _write(path: Path, page: Page, found: Sequence[tuple[ClipRow, Sketch | None]]) -> int:
    place = {clip.clip_id: number for number, clip in enumerate(page.clips)}
    lines = []
    for row, sketch in sorted(found, key=lambda each: place[each[0].clip.clip_id]):
        facts = {name: getattr(row, name) for name in _FACTS}
        drawn = {
            "times": None if sketch is None else sketch.times.tolist(),
            "frames": None if sketch is None else sketch.frames.tobytes(),
        }
        lines.append({"clip_id": row.clip.clip_id, **facts, **drawn})
    table = table_of(lines, schema=_SCHEMA)
    with atomic_path(path) as beside, pa.ipc.new_file(str(beside), _SCHEMA) as writer:
        writer.write_table(table)
    return len(page.clips)


def _path(folder: Path, page: Page) -> Path:
    return folder / f"{page.name}.arrow"
