"""What a build has to do: which clips go into which shard."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from signflow.annotations import Clip
from signflow.store.recipe import Recipe

SHARD_CLIPS = 32
SHARD_BYTES = 64 * 2**20

SMALL_SET_PIECES = 16
"""So many cores can work at a small set."""

_TOGETHER = 8
"""Clips of a video that stay together however small the set: what lies between two parts is decoded
for both."""


@dataclass(frozen=True, kw_only=True)
class ShardPlan:
    """The clips of one shard: all clips of its videos, or a part of a long video's.

    Attributes:
        number: of the shard, from 0.
        sources: the clips of each video.
    """

    number: int
    sources: tuple[tuple[Clip, ...], ...]

    @property
    def clips(self) -> int:
        """How many clips it asks for."""
        return sum(len(clips) for clips in self.sources)


def plan_shards(clips: Sequence[Clip], *, recipe: Recipe) -> list[ShardPlan]:
    """Divide clips into shards, by nothing but the clips and the recipe.

    A shard is closed when it asks for 32 clips, 64 MB or, in a small set, a sixteenth of all clips.
    A video's clips stay together, so that it is decoded once; of a video that has more of them than
    that, and more than eight, they are divided by time. The number of workers plays no part, which
    is why it cannot change a byte.
    """
    by_source: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_source[clip.source].append(clip)
    most = max(1, min(SHARD_CLIPS, SHARD_BYTES // recipe.sample_bytes))
    full = min(most, math.ceil(len(clips) / SMALL_SET_PIECES))

    plans: list[ShardPlan] = []
    sources: list[tuple[Clip, ...]] = []
    for members in by_source.values():
        parts = _parts(members, most=max(full, _TOGETHER))
        for part in parts:
            sources.append(part)
            if len(parts) > 1 or sum(len(source) for source in sources) >= full:
                plans.append(ShardPlan(number=len(plans), sources=tuple(sources)))
                sources = []
    if sources:
        plans.append(ShardPlan(number=len(plans), sources=tuple(sources)))
    return plans


def _parts(clips: Sequence[Clip], *, most: int) -> list[tuple[Clip, ...]]:
    """Divide a video's clips into as few parts as hold no more than so many, by time, evenly."""
    count = math.ceil(len(clips) / most)
    if count > 1:
        clips = sorted(clips, key=lambda clip: clip.start or 0.0)
    edges = [part * len(clips) // count for part in range(count + 1)]
    return [tuple(clips[begin:end]) for begin, end in pairwise(edges)]
