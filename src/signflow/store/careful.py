"""A shard at which a process ended: find the clips that end processes, and build the others."""

import signal
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

from signflow.errors import UserError
from signflow.processes import ProcessEndedError, describe_status, run_alone
from signflow.store.layout import hung_path
from signflow.store.plan import ShardPlan
from signflow.store.recipe import Recipe
from signflow.store.rows import ClipRow
from signflow.store.work import Lessons, Place, build_shard_watched, read_place
from signflow.video import VideoFault

_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
"""Signals that a process brings upon itself."""

_KILLS = 3
"""So many times a process must be killed at the same clip before the clip is blamed: one that is
short of memory is killed too, whoever took it."""


def build_carefully(
    plan: ShardPlan, *, recipe: Recipe, store: Path, patience: float
) -> list[ClipRow]:
    """Build a shard in a process of its own; where that ends, begin again without the clip.

    The clips of a video at which a process ended are decoded one by one from then on. What lies in
    the shard in the end depends on nothing but the plan, the recipe, and which clips do that.

    Raises:
        UserError: a process ended for a reason that is not in the videos.
    """
    lessons = Lessons()
    killed: Counter[Place] = Counter()
    while True:
        build = partial(
            build_shard_watched,
            plan,
            recipe=recipe,
            store=store,
            patience=patience,
            lessons=lessons,
        )
        try:
            return run_alone(build)
        except ProcessEndedError as end:
            place = read_place(store, plan)
            if place is None:
                raise _not_the_videos(end) from None
            killed[place] += end.status == -signal.SIGKILL
            hung = hung_path(store, plan.number)
            if hung.exists() and hung.stat().st_size:
                hung.unlink()
                fault = _fault(plan, place, "hung", patience=patience)
            elif -end.status in _CRASHES or killed[place] == _KILLS:
                fault = _fault(plan, place, describe_status(end.status), patience=patience)
            elif end.status == -signal.SIGKILL:
                continue
            else:
                raise _not_the_videos(end) from None
            lessons = _learn(lessons, plan, place, fault)


def _learn(lessons: Lessons, plan: ShardPlan, place: Place, fault: VideoFault) -> Lessons:
    if place.clip is None and len(plan.sources[place.source]) > 1:
        return replace(lessons, apart=lessons.apart | {place.source})
    return replace(lessons, lost={**lessons.lost, place: fault})


def _fault(plan: ShardPlan, place: Place, end: str, *, patience: float) -> VideoFault:
    source = plan.sources[place.source][place.clip or 0].source
    if end == "hung":
        return VideoFault(
            "decoder-hung",
            f"{source}: nothing came out of it for {patience:g} s (--patience), and the process"
            " that decoded it was ended",
        )
    if end == "SIGKILL":
        return VideoFault(
            "decoder-died",
            f"{source}: the process that decoded it was killed {_KILLS} times (out of memory?)",
        )
    return VideoFault("decoder-died", f"{source}: the process that decoded it died of {end}")


def _not_the_videos(end: ProcessEndedError) -> UserError:
    return UserError(
        f"a worker process ended early ({end}); what was built so far is kept: give the same"
        " command again",
        exit_status=1,
    )
