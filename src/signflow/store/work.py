"""What one worker does: one shard, from its videos to the file."""

from collections.abc import Iterator
from pathlib import Path

from signflow.annotations import Clip
from signflow.files import atomic_path
from signflow.store.layout import rows_path, shard_path
from signflow.store.plan import ShardPlan
from signflow.store.recipe import Recipe
from signflow.store.rows import BUILT, ClipRow, write_rows
from signflow.store.samples import Made, make_samples
from signflow.store.shard import ShardWriter
from signflow.video import VideoFault


def build_shard(plan: ShardPlan, *, recipe: Recipe, store: Path) -> list[ClipRow]:
    """Build one shard, then write the rows of its clips: the rows' file says that it is done.

    Returns:
        A row for every clip of the plan. Where no clip could be built there is no shard file.
    """
    rows: list[ClipRow] = []
    path = shard_path(store, plan.number)
    with atomic_path(path) as beside, ShardWriter(beside, recipe=recipe) as writer:
        for clip, result in _samples(plan, recipe):
            rows.append(_row(clip, result, shard=plan.number, row=writer.rows))
            if isinstance(result, Made):
                writer.append(result.sample)
    if not any(row.built for row in rows):
        path.unlink()
    write_rows(rows_path(store, plan.number), rows)
    return rows


def _samples(plan: ShardPlan, recipe: Recipe) -> Iterator[tuple[Clip, Made | VideoFault]]:
    for clips in plan.sources:
        yield from make_samples(clips, recipe=recipe)


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
