"""A copy of a store whose flow was computed at the videos' full size and then shrunk.

    python benchmarks/flow_size.py stores/report64 stores/report64-shrunk

Clips, frames and everything else stay as they are, so that nets which learn from the two show what
the size at which flow is computed does to accuracy; the figures stand in docs/flow.md.
"""

import shutil
from pathlib import Path

import cv2
import numpy as np
import tyro
from numpy.typing import NDArray

from signflow.progress import console
from signflow.store import Sample, Store
from signflow.store.layout import shard_path
from signflow.store.rows import ClipRow
from signflow.store.shard import ShardWriter
from signflow.video import DecodedSpan, Span, compute_flow, decode_spans, quantise_flow


def main(store: tyro.conf.Positional[Path], out: tyro.conf.Positional[Path]) -> None:
    """Copy a store of whole pictures with the flow that the plain way would have.

    Args:
        store: built with frames squashed to a square, without boxes.
        out: where the copy goes.
    """
    cv2.setNumThreads(1)
    original = Store.open(store)
    shutil.copytree(store, out)
    shards: dict[int, list[ClipRow]] = {}
    for row in original.rows:
        if row.shard is not None:
            shards.setdefault(row.shard, []).append(row)
    for number, rows in shards.items():
        with ShardWriter(shard_path(out, number), recipe=original.recipe) as writer:
            for row in sorted(rows, key=lambda row: row.row or 0):
                flow, _ = quantise_flow(_shrunk(original, row), bound=original.recipe.bound)
                kept = original.sample(row.clip.clip_id)
                writer.append(
                    Sample(
                        clip_id=kept.clip_id, label=kept.label, frames=kept.kept_frames, flow=flow
                    )
                )
        console.print(f"{number + 1} of {len(shards)} shards")


def _shrunk(store: Store, row: ClipRow) -> NDArray[np.float32]:
    """Flow of a clip's kept frames at full size, brought to the store's: values scale as well."""
    recipe, clip = store.recipe, row.clip
    ((_, span),) = decode_spans(
        clip.source,
        spans=[Span(clip.start, clip.end)],
        count=recipe.frames,
        choose=recipe.choose,
        fps=recipe.fps,
        fewest=recipe.fewest,
        size=None,
        frame_rate=clip.frame_rate,
    )
    assert isinstance(span, DecodedSpan), clip.clip_id
    height, width = span.frames.shape[1:3]
    side = recipe.image_size
    flow = compute_flow(span.frames, method=recipe.flow)
    shrunk = [cv2.resize(pair, (side, side), interpolation=cv2.INTER_AREA) for pair in flow]
    return np.stack(shrunk) * np.float32([side / width, side / height])


if __name__ == "__main__":
    tyro.cli(main)
