"""What one worker does: one shard, from its videos to the file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from signflow.annotations import Clip
from signflow.errors import UserError
from signflow.files import atomic_path
from signflow.store.layout import hung_path, place_path, rows_path, shard_path
from signflow.store.plan import ShardPlan
from signflow.store.recipe import Recipe
from signflow.store.rows import BUILT, ClipRow, write_rows
from signflow.store.samples import Made, make_samples
from signflow.store.shard import ShardWriter
from signflow.video import VideoFault, compute_flow
from signflow.watchdog import end_when_silent


@dataclass(frozen=True)
class Place:
    """What a worker is at: a whole source, or one clip of it.

    Attributes:
        source: its number in the plan.
        clip: its number in the source; None: all of them, decoded together.
    """

    source: int
    clip: int | None = None


@dataclass(frozen=True)
class Lessons:
    """What attempts at a shard taught that ended with their process.

    Attributes:
        apart: sources whose clips are decoded one by one, so that a crash costs only its own.
        lost: clips to leave out, with the reason.
    """

    apart: frozenset[int] = frozenset()
    lost: Mapping[Place, VideoFault] = field(default_factory=dict)


def build_shard(
    plan: ShardPlan, *, recipe: Recipe, store: Path, lessons: Lessons | None = None
) -> list[ClipRow]:
    """Build one shard, then write the rows of its clips: the rows' file says that it is done.

    Until then another file says what it is at (`read_place`).

    Returns:
        A row for every clip of the plan. Where no clip could be built there is no shard file.
    """
    rows: list[ClipRow] = []
    path = shard_path(store, plan.number)
    with atomic_path(path) as beside, ShardWriter(beside, recipe=recipe) as writer:
        for clip, result in _samples(plan, recipe, store, lessons or Lessons()):
            rows.append(_row(clip, result, shard=plan.number, row=writer.rows))
            if isinstance(result, Made):
                writer.append(result.sample)
    if not any(row.built for row in rows):
        path.unlink()
    write_rows(rows_path(store, plan.number), rows)
    place_path(store, plan.number).unlink(missing_ok=True)
    return rows


def build_shard_watched(
    plan: ShardPlan,
    *,
    recipe: Recipe,
    store: Path,
    patience: float,
    lessons: Lessons | None = None,
) -> list[ClipRow]:
    """Build one shard in a worker process, on one core; the process ends where a decoder hangs.

    Args:
        plan: the shard.
        recipe: how.
        store: the directory.
        patience: seconds without a sign of life after which the process is ended.
        lessons: what is known to end the process.
    """
    cv2.setNumThreads(1)
    _bring_in_flow(recipe)
    evidence = hung_path(store, plan.number)
    evidence.parent.mkdir(parents=True, exist_ok=True)
    with end_when_silent(patience, evidence=evidence):
        return build_shard(plan, recipe=recipe, store=store, lessons=lessons)


@cache
def _bring_in_flow(recipe: Recipe) -> None:
    """Have the flow's compiled code or weights brought in, so that no decoder seems to hang then.

    Where that fails, it fails again, and is told, where the flow is wanted.
    """
    if recipe.keep_flow:
        still = np.zeros((2, recipe.image_size, recipe.image_size, 3), np.uint8)
        with suppress(UserError, ValueError):
            compute_flow(still, method=recipe.flow)


def read_place(store: Path, plan: ShardPlan) -> Place | None:
    """What the worker of a shard is at, or was when its process ended; None: it never began."""
    try:
        return Place(**json.loads(place_path(store, plan.number).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):  # ended while writing it, which is before anything else
        return Place(0)


def _samples(
    plan: ShardPlan, recipe: Recipe, store: Path, lessons: Lessons
) -> Iterator[tuple[Clip, Made | VideoFault]]:
    place_file = place_path(store, plan.number)
    place_file.parent.mkdir(parents=True, exist_ok=True)
    for number, clips in enumerate(plan.sources):
        if number in lessons.apart:
            places = [Place(number, position) for position in range(len(clips))]
        else:
            places = [Place(number)]
        for place in places:
            chosen = clips if place.clip is None else clips[place.clip : place.clip + 1]
            if place in lessons.lost:
                yield from ((clip, lessons.lost[place]) for clip in chosen)
                continue
            place_file.write_text(json.dumps(vars(place)), encoding="utf-8")
            yield from _samples_or_faults(chosen, recipe)


def _samples_or_faults(
    clips: Sequence[Clip], recipe: Recipe
) -> Iterator[tuple[Clip, Made | VideoFault]]:
    """Whatever goes wrong in decoding one clip is that clip's fault and nobody else's."""
    left = {clip.clip_id: clip for clip in clips}
    try:
        for clip, result in make_samples(clips, recipe=recipe):
            del left[clip.clip_id]
            yield clip, result
    except Exception as error:  # 25,000 clips do not wait for a case that nobody foresaw
        if len(clips) == 1:
            message = f"{clips[0].source}: {type(error).__name__}: {error}"
            yield clips[0], VideoFault("decoder-failed", " ".join(message.split()))
        else:
            for clip in left.values():
                yield from _samples_or_faults([clip], recipe)


def _row(clip: Clip, result: Made | VideoFault, *, shard: int, row: int) -> ClipRow:
    if isinstance(result, VideoFault):
        return ClipRow(clip=clip, status=result.code, reason=str(result))
    info = result.span.info
    return ClipRow(
        clip=clip,
        status=BUILT,
        shard=shard,
        row=row,
        video_frames=result.span.n_frames,
        fps=info.fps,
        width=info.width,
        height=info.height,
        saturated=result.saturated,
    )
