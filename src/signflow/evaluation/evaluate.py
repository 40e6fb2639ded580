"""Measuring a run: its best weights on a split, written as predictions and result."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from rich.progress import Progress

from signflow.annotations import SPLITS, Split
from signflow.errors import UserError
from signflow.evaluation.metrics import SplitResult, split_result
from signflow.evaluation.predictions import (
    Predictions,
    predictions_path,
    result_path,
    write_predictions,
)
from signflow.evaluation.runs import RESULT_SCHEMA_VERSION, RunRecord
from signflow.files import write_json
from signflow.progress import progress_bar
from signflow.store import ClipRow, Store
from signflow.training import Batch, Run, TrainedModel, batches, inference_device, load_model
from signflow.training.augment import VIEWS, views_of

BATCH_SIZE = 16


def evaluate(
    run_path: Path,
    *,
    splits: Sequence[Split] = ("val", "test"),
    device: str = "auto",
    views: int = 1,
) -> dict[Split, SplitResult]:
    """Evaluate a run's best weights, and write `predictions_<split>.parquet` and `result.json`.

    Results of splits that were evaluated before stay in `result.json`, and those of these weights
    are not computed again: a batch of evaluations that was stopped goes on where it was.

    With several views (test-time augmentation) a clip's scores are the mean of those of the clip as
    it is, enlarged, turned and so on. They have files of their own, `predictions_<split>_tta<N>`
    and `result_tta<N>.json`, and are never taken for scores of the clips as they are.

    Args:
        run_path: a run directory.
        splits: which splits; test is meant to be looked at once, when all is chosen.
        device: "auto", "cpu" or "cuda".
        views: of each clip, 1 to 8; mirrored ones are among them where the run trained with flips.

    Returns:
        The results of `splits`.

    Raises:
        UserError: there is no run, its training is not finished, its store is gone, or views is out
            of range.
    """
    if not 1 <= views <= len(VIEWS):
        raise UserError(f"--tta {views}: must be 1 to {len(VIEWS)} views")
    run = Run.open(run_path)
    if not run.complete:
        raise UserError(
            f"{run_path}: its training is not finished; give the same train command again"
        )
    before = RunRecord.read(run_path, views=views).splits
    left = [split for split in splits if split not in before or not _is_fresh(run, split, views)]
    if not left:
        return {split: before[split] for split in splits}
    store = run.open_store()
    rows = store.splits(fold=run.config.fold)
    trained = load_model(run.model_path, device=inference_device(device))
    results: dict[Split, SplitResult] = {}
    with progress_bar() as progress:
        for split in left:
            built = [row for row in rows[split] if row.built]
            found = _predict(
                trained,
                store,
                built,
                views=partial(
                    views_of, count=views, mirrored=run.config.flip, bound=store.recipe.bound
                ),
                progress=progress,
                split=split,
            )
            results[split] = split_result(
                found.clip_ids,
                found.labels,
                found.scores,
                classes=store.classes,
                asked=len(rows[split]),
            )
            write_predictions(predictions_path(run_path, split, views=views), found)
    known = {**before, **{str(split): result for split, result in results.items()}}
    _write_result(run, trained, known, views=views)
    return {split: known[split] for split in splits}


def _is_fresh(run: Run, split: str, views: int) -> bool:
    trained = run.model_path.stat().st_mtime
    written = (
        predictions_path(run.path, split, views=views),
        result_path(run.path, views=views),
    )
    return all(path.exists() and path.stat().st_mtime >= trained for path in written)


def _predict(
    trained: TrainedModel,
    store: Store,
    rows: Sequence[ClipRow],
    *,
    views: Callable[[Batch], Iterable[Batch]],
    progress: Progress,
    split: str,
) -> Predictions:
    clip_ids: list[str] = []
    labels: list[int] = []
    given = [np.empty((0, len(store.classes)), dtype=np.float32)]
    task = progress.add_task(f"Evaluating {split}", total=len(rows), note="")
    for batch in batches(store, rows, inputs=trained.model.inputs, batch_size=BATCH_SIZE):
        clip_ids += batch.clip_ids
        labels += batch.labels.tolist()
        each = [trained.scores(view) for view in views(batch.to(trained.device))]
        given.append(np.mean(each, axis=0))
        progress.advance(task, len(batch.clip_ids))
    return Predictions(
        clip_ids=tuple(clip_ids),
        labels=np.asarray(labels, dtype=np.int32),
        scores=np.concatenate(given),
    )


def _write_result(
    run: Run, trained: TrainedModel, splits: Mapping[str, SplitResult], *, views: int
) -> None:
    write_json(
        result_path(run.path, views=views),
        {
            "schema_version": RESULT_SCHEMA_VERSION,
            "model": run.config.model,
            **({"views": views} if views > 1 else {}),
            "classes": list(trained.classes),
            "parameters": sum(parameter.numel() for parameter in trained.model.parameters()),
            "calibration": trained.calibration.to_dict(),
            "best_epoch": max(epoch.epoch for epoch in run.read_metrics() if epoch.best),
            "splits": {split: splits[split].to_dict() for split in SPLITS if split in splits},
        },
    )
