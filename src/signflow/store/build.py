"""Building a store: resumable, in parallel, the same bytes every time."""

import errno
import os
import platform
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

import signflow
from signflow.annotations import SPLITS, ClipList
from signflow.errors import UserError, what_differs
from signflow.files import read_json, write_json
from signflow.processes import available_cores
from signflow.progress import progress_bar
from signflow.store.execute import build_shards
from signflow.store.layout import (
    SCHEMA_VERSION,
    building_folder,
    clips_path,
    rows_path,
    shards_folder,
    store_json,
)
from signflow.store.plan import ShardPlan, plan_shards
from signflow.store.recipe import Recipe, fingerprint
from signflow.store.rows import ClipRow, read_rows, write_rows
from signflow.video import prepare_flow

PATIENCE = 300.0
"""Seconds without a sign of life after which a decoder is taken to hang."""


@dataclass(frozen=True)
class LeaveOut:
    """What is left out of a store at the end of its build.

    Attributes:
        name: of the rule, with all that its choice depends on: part of what the store is.
        apply: from the rows of all clips, and a folder for what it needs to go on after a kill, to
            the rows with reasons for what is left out. Those samples stay in their shards, unread.
    """

    name: str
    apply: Callable[[Sequence[ClipRow], Path], list[ClipRow]]


@dataclass(frozen=True, kw_only=True)
class BuildSummary:
    """What a build came to.

    Attributes:
        store: the directory.
        rows: one per clip that was asked for, in the source's order.
        seconds: how long it took this time.
        done_before: clips that an earlier, interrupted build had already dealt with.
    """

    store: Path
    rows: tuple[ClipRow, ...]
    seconds: float
    done_before: int

    @property
    def built(self) -> int:
        """Clips in the store."""
        return sum(row.built for row in self.rows)

    def reasons(self) -> Counter[str]:
        """How many clips were not built, by fault code."""
        return Counter(row.status for row in self.rows if not row.built)

    @property
    def came_since(self) -> int:
        """Clips without a sample whose missing file is there now; `overwrite` builds them."""
        return _came_since(self.rows)


def build_store(
    clips: ClipList,
    *,
    out: Path,
    recipe: Recipe | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    patience: float = PATIENCE,
    overwrite: bool = False,
    leave_out: LeaveOut | None = None,
) -> BuildSummary:
    """Build a store, or go on with one whose build was interrupted.

    A clip that cannot be built is recorded in `clips.parquet` with its reason and stops nothing.

    Args:
        clips: what to build.
        out: the store's directory; made if it is missing.
        recipe: how; the report's by default.
        workers: processes; by default one per core. 0 works in this process, which a video that
            crashes the decoder then ends; the same call goes on after it.
        executor: runs the shards instead of processes of its own; where it works must see `out`
            and the videos under the same paths. It is not shut down.
        patience: seconds without a sign of life after which a decoder is taken to hang, and its
            worker process ended; the clip is recorded as `decoder-hung`.
        overwrite: remove what lies in `out` if it is a store of other clips or another recipe, or
            if files that it missed are there now.
        leave_out: what not to take up, though it could be built.

    Raises:
        UserError: `workers` is below 0, the flow method cannot work, `out` holds something else,
            another build is at work in it, or (exit status 1) the disk is full, worker processes
            end for a reason that is not in the videos, or, after writing `clips.parquet`, not one
            clip could be built.
    """
    if workers is not None and workers < 0:
        raise UserError(f"--workers {workers}: must be 0 or more")
    if not patience > 0:
        raise UserError(f"--patience {patience:g}: must be seconds above 0")
    started = time.monotonic()
    recipe = recipe or Recipe()
    prepare_flow(recipe.flow, height=recipe.image_size, width=recipe.image_size)
    wanted = {"recipe": recipe.to_dict(), "clips": [asdict(clip) for clip in clips.clips]}
    if leave_out is not None:
        wanted["leave_out"] = leave_out.name
    identity = fingerprint(wanted)
    with _full_disk_is_said(out):
        _claim(out, identity, recipe=recipe, overwrite=overwrite)
    with _full_disk_is_said(out), _only_build(out):
        if store_json(out).exists():
            rows = read_rows(clips_path(out))
            done_before = len(rows)
        else:
            plans = plan_shards(clips.clips, recipe=recipe)
            todo = [plan for plan in plans if not _is_done(out, plan)]
            done_before = sum(plan.clips for plan in plans) - sum(plan.clips for plan in todo)
            results = build_shards(
                todo,
                recipe=recipe,
                store=out.absolute(),
                workers=available_cores() if workers is None else workers,
                executor=executor,
                patience=patience,
            )
            _show(results, clips=sum(plan.clips for plan in todo))
            rows = _finish(
                out, clips, recipe=recipe, plans=plans, identity=identity, leave_out=leave_out
            )
        _remove_partial_shards(out)
        shutil.rmtree(building_folder(out), ignore_errors=True)
    return BuildSummary(
        store=out,
        rows=tuple(rows),
        seconds=time.monotonic() - started,
        done_before=done_before,
    )


def _claim(out: Path, identity: str, *, recipe: Recipe, overwrite: bool) -> None:
    """Make sure that `out` is free, or holds this very build."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; --out must be a directory")
    marker = building_folder(out) / "build.json"
    described = store_json(out) if store_json(out).exists() else marker
    if described.exists():
        holds = read_json(described, what="a store")
        if holds.get("fingerprint") == identity:
            done = described == store_json(out)
            if not (overwrite and done and _came_since(read_rows(clips_path(out)))):
                return
        elif not overwrite:
            raise UserError(
                f"{out}: holds a store of {_what_is_held(holds.get('recipe'), wanted=recipe)}; give"
                " another --out, or --overwrite to replace it"
            )
        with _only_build(out):
            for path in (store_json(out), clips_path(out)):
                path.unlink(missing_ok=True)
            shutil.rmtree(shards_folder(out), ignore_errors=True)
            shutil.rmtree(building_folder(out), ignore_errors=True)
    elif out.is_dir() and any(out.iterdir()) and not clips_path(out).exists():
        raise UserError(f"{out}: is not empty and holds no store; give another --out")
    write_json(marker, {"fingerprint": identity, "recipe": recipe.to_dict()})


def _what_is_held(recipe: dict[str, Any] | None, *, wanted: Recipe) -> str:
    """What makes another store than the one that is wanted of it, as far as its recipe tells."""
    if recipe is not None:
        held = Recipe.from_dict(recipe)
        if differences := what_differs(held.to_options(), wanted.to_options()):
            return f"another recipe ({differences})"
    return "other clips or another recipe, or with other leaks dropped"


def _came_since(rows: Sequence[ClipRow]) -> int:
    return sum(row.status == "file-missing" and Path(row.clip.source).is_file() for row in rows)


@contextmanager
def _only_build(out: Path) -> Iterator[None]:
    """Hold the store for this process alone."""
    folder = building_folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / "holder.json"
    try:
        with FileLock(folder / "lock", timeout=0):
            write_json(holder, {"pid": os.getpid(), "host": platform.node()})
            _remove_partial_shards(out)
            yield
    except Timeout:
        by = read_json(holder, what="who builds") if holder.exists() else {}
        raise UserError(
            f"{out}: process {by.get('pid', '?')} on {by.get('host', '?')} is building this store;"
            " wait for it, or stop it and give the same command again"
        ) from None


def _is_done(out: Path, plan: ShardPlan) -> bool:
    """Whether a shard is there, and of these clips: another version may divide them otherwise."""
    path = rows_path(out, plan.number)
    asked = {clip.clip_id for source in plan.sources for clip in source}
    return path.exists() and {row.clip.clip_id for row in read_rows(path)} == asked


def _remove_partial_shards(out: Path) -> None:
    """Remove what processes that were ended left; nobody writes here but the lock's holder."""
    for path in shards_folder(out).glob(".*.partial*"):
        path.unlink(missing_ok=True)


@contextmanager
def _full_disk_is_said(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UserError(
            f"{out}: no space is left on its disk; what was built so far is kept: make space and"
            " give the same command again",
            exit_status=1,
        ) from None


def _show(results: Iterable[Sequence[ClipRow]], *, clips: int) -> None:
    """Go through the rows of shards as they are done, showing progress by clips."""
    failed = 0
    with progress_bar() as progress:
        task = progress.add_task("Building", total=clips, note="")
        for rows in results:
            failed += sum(not row.built for row in rows)
            note = f"{failed} not built" if failed else ""
            progress.update(task, advance=len(rows), note=note)


def _finish(
    out: Path,
    clips: ClipList,
    *,
    recipe: Recipe,
    plans: Sequence[ShardPlan],
    identity: str,
    leave_out: LeaveOut | None,
) -> list[ClipRow]:
    """Gather the rows of all shards, then write what makes the directory a store."""
    by_id = {
        row.clip.clip_id: row for plan in plans for row in read_rows(rows_path(out, plan.number))
    }
    rows = [by_id[clip.clip_id] for clip in clips.clips]
    if leave_out is not None:
        rows = leave_out.apply(rows, building_folder(out) / "leave-out")
    write_rows(clips_path(out), rows)
    if not any(row.built for row in rows):
        # No store.json, and nothing is remembered as done: the same command tries again.
        shutil.rmtree(building_folder(out))
        raise UserError(_nothing_built(out, rows), exit_status=1)
    write_json(
        store_json(out),
        {
            "schema_version": SCHEMA_VERSION,
            "signflow": signflow.__version__,
            "fingerprint": identity,
            "origin": clips.origin,
            "recipe": recipe.to_dict(),
            "classes": list(clips.classes),
            "counts": _counts(rows),
        },
    )
    return rows


def _counts(rows: Sequence[ClipRow]) -> dict[str, dict[str, int]]:
    return {
        split: {
            "asked": sum(row.clip.split == split for row in rows),
            "built": sum(row.clip.split == split and row.built for row in rows),
        }
        for split in SPLITS
    }


def _nothing_built(out: Path, rows: Sequence[ClipRow]) -> str:
    reasons = Counter(row.status for row in rows)
    listed = ", ".join(f"{count} x {status}" for status, count in reasons.most_common())
    return (
        f"not one of {len(rows)} clips could be built: {listed}. The first: {rows[0].reason}."
        f" All reasons stand in {clips_path(out)}"
    )
