"""Shards built side by side, whatever becomes of the processes that build them."""

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    as_completed,
)
from functools import partial
from pathlib import Path

from signflow.errors import UserError
from signflow.processes import worker_pool
from signflow.store.careful import build_carefully
from signflow.store.layout import rows_path
from signflow.store.plan import ShardPlan
from signflow.store.recipe import Recipe
from signflow.store.rows import ClipRow, read_rows
from signflow.store.work import build_shard, build_shard_watched, read_place


def build_shards(
    plans: Sequence[ShardPlan],
    *,
    recipe: Recipe,
    store: Path,
    workers: int,
    executor: Executor | None,
    patience: float,
) -> Iterator[list[ClipRow]]:
    """Build shards, each once, in whatever order they are done.

    Shards at which a process ended, now or in an earlier build, are built last and carefully: each
    in a process of its own on this machine, without the clips that end it.

    Args:
        plans: shards that are not done yet.
        recipe: how.
        store: the directory, absolute.
        workers: processes on this machine; 0 works in this one.
        executor: runs shards instead of processes of our own.
        patience: seconds without a sign of life after which a decoder is taken to hang.

    Yields:
        The rows of a shard.

    Raises:
        UserError: processes end for a reason that is not in the videos.
    """
    build = partial(build_shard_watched, recipe=recipe, store=store, patience=patience)
    if executor is not None:
        doubtful = yield from _build(plans, build, executor, store=store)
    else:
        doubtful = [plan for plan in plans if read_place(store, plan)]
        sound = [plan for plan in plans if plan not in doubtful]
        if workers == 0:
            yield from (build_shard(plan, recipe=recipe, store=store) for plan in sound)
            sound = []
        while sound:
            with worker_pool(min(workers, len(sound))) as pool:
                left = yield from _build(sound, build, pool, store=store)
            ended = [plan for plan in left if read_place(store, plan)]
            if left and not ended:
                raise UserError(
                    "worker processes end as soon as they start; --workers 0 works without any",
                    exit_status=1,
                )
            doubtful += ended
            sound = [plan for plan in left if plan not in ended]
    careful = partial(build_carefully, recipe=recipe, store=store, patience=patience)
    threads = ThreadPoolExecutor(max(workers, 1), thread_name_prefix="careful")
    try:
        for future in as_completed([threads.submit(careful, plan) for plan in doubtful]):
            yield future.result()
    finally:
        threads.shutdown(cancel_futures=True)


def _build(
    plans: Sequence[ShardPlan],
    build: Callable[[ShardPlan], list[ClipRow]],
    executor: Executor,
    *,
    store: Path,
) -> Generator[list[ClipRow], None, list[ShardPlan]]:
    """Build shards by an executor; returns those that were lost with its processes."""
    futures: dict[Future[list[ClipRow]], ShardPlan] = {}
    lost: list[ShardPlan] = []
    try:
        for plan in plans:
            try:
                futures[executor.submit(build, plan)] = plan
            except BrokenExecutor:
                lost.append(plan)
        for future in as_completed(futures):
            plan = futures[future]
            try:
                yield future.result()
            except CancelledError:
                raise UserError(
                    "the executor gave the work up (is the Dask scheduler still there?); what was"
                    " built so far is kept: give the same command again",
                    exit_status=1,
                ) from None
            except Exception as error:
                if not _is_death(error):
                    raise
                if rows_path(store, plan.number).exists():  # done, but it could not say so any more
                    yield read_rows(rows_path(store, plan.number))
                else:
                    lost.append(plan)
    finally:
        for future in futures:
            future.cancel()
    return lost


def _is_death(error: Exception) -> bool:
    """Whether a future failed because its process ended."""
    # Dask's is known by its name: Dask is an extra.
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"
