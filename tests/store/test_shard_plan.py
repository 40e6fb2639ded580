"""Which clips go into which shard."""

import pytest

from signflow.annotations import Clip
from signflow.store import Recipe
from signflow.store.plan import plan_shards

SMALL = Recipe(image_size=16)  # 32 clips are less than 64 MB


def clips(videos: int, *, each: int) -> list[Clip]:
    """So many clips of each video, the last first."""
    return [
        Clip(
            clip_id=f"{video}/{number}",
            source=f"{video}.mp4",
            label=0,
            gloss="one",
            split="train",
            start=float(number),
            end=number + 1.0,
        )
        for video in range(videos)
        for number in reversed(range(each))
    ]


def sizes(videos: int, *, each: int, recipe: Recipe = SMALL) -> list[int]:
    """Clips of each shard."""
    return [plan.clips for plan in plan_shards(clips(videos, each=each), recipe=recipe)]


def test_a_large_sets_shards_are_closed_at_32_clips_or_64_megabytes():
    assert sizes(640, each=1) == [32] * 20
    assert sizes(640, each=1, recipe=Recipe()) == [27] * 23 + [19]  # of 2.4 MB each


@pytest.mark.parametrize(("videos", "shards"), [(1, 1), (5, 5), (16, 16), (40, 14), (200, 16)])
def test_a_small_set_is_work_for_many_cores(videos: int, shards: int):
    assert len(sizes(videos, each=1)) == shards


@pytest.mark.parametrize(
    ("videos", "each", "expected"),
    [
        (3, 8, [8, 8, 8]),  # together, though a sixteenth of them would be two
        (1, 40, [8] * 5),
        (1, 9, [4, 5]),
        (2, 1000, [31, 31, 31, 32]),  # the first of many even parts
    ],
)
def test_a_videos_clips_stay_together_up_to_a_shard(videos: int, each: int, expected: list[int]):
    found = sizes(videos, each=each)

    assert found[: len(expected)] == expected
    assert sum(found) == videos * each


def test_a_long_videos_clips_are_divided_by_time_and_none_is_lost():
    plans = plan_shards(clips(2, each=100), recipe=SMALL)

    for plan in plans:
        ((*part,),) = plan.sources  # of one video
        starts = [clip.start for clip in part]
        assert starts == list(range(int(starts[0]), int(starts[0]) + len(part)))
    assert [plan.number for plan in plans] == list(range(len(plans)))
    asked = [clip.clip_id for plan in plans for source in plan.sources for clip in source]
    assert sorted(asked) == sorted(clip.clip_id for clip in clips(2, each=100))
