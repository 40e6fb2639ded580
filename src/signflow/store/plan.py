"""What a build has to do: which clips go into which shard."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from signflow.annotations import Clip
from signflow.store.recipe import Recipe

SHARD_CLIPS = 32
SHARD_BYTES = 64 * 2**20


@dataclass(frozen=True, kw_only=True)
class ShardPlan:
    """The clips of one shard: all clips of its videos, video by video.

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

    A video's clips stay together, so that it is decoded once; a shard is closed when it asks for 32
    clips or 64 MB. The number of workers plays no part, which is why it cannot change a byte.
    """
    by_source: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_source[clip.source].append(clip)
    most = max(1, min(SHARD_CLIPS, SHARD_BYTES // recipe.sample_bytes))

    plans: list[ShardPlan] = []
    sources: list[tuple[Clip, ...]] = []
    for members in by_source.values():
        sources.append(tuple(members))
        if sum(len(source) for source in sources) >= most:
            plans.append(ShardPlan(number=len(plans), sources=tuple(sources)))
            sources = []
    if sources:
        plans.append(ShardPlan(number=len(plans), sources=tuple(sources)))
    return plans
