"""Run directories with scores that nobody computed: many, on any clips, without a store."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from signflow.evaluation.metrics import split_result
from signflow.evaluation.predictions import Predictions, predictions_path, write_predictions
from signflow.evaluation.runs import RESULT_SCHEMA_VERSION
from signflow.files import write_json
from signflow.training import EpochMetrics, Run, TrainConfig


@dataclass(frozen=True)
class NoStore:
    """As much of a store as `Run.create` asks for; it cannot be opened."""

    path: Path
    fingerprint: str = "made up"


def write_run(
    path: Path,
    config: TrainConfig,
    *,
    correct: dict[str, Sequence[bool]],
    classes: Sequence[str] = ("hello", "nice", "teacher"),
    weights: int = 1000,
    asked: int | None = None,
    labels: Sequence[int] | None = None,
    store: NoStore | None = None,
    seed: int = 0,
    first: int = 0,
) -> Path:
    """Write a complete run that recognises the clips of each split where `correct` is true.

    Clips are numbered from `first`; folds have clips of their own.
    """
    place = store or NoStore(path.parent / "store")
    run = Run.create(path, config=config, store=place)  # type: ignore[arg-type]
    run.write_metrics([_epoch(number, config) for number in range(1, config.epochs + 1)])
    write_json(run.environment_path, {"device": "cpu", "seconds": 96.0})
    results = {}
    for split, hits in correct.items():
        given = _predictions(split, hits, len(classes), labels, seed=seed, first=first)
        write_predictions(predictions_path(path, split), given)
        results[split] = split_result(
            given.clip_ids,
            given.labels,
            given.scores,
            classes=classes,
            asked=asked or len(hits),
        ).to_dict()
    write_json(
        path / "result.json",
        {
            "schema_version": RESULT_SCHEMA_VERSION,
            "model": config.model,
            "classes": list(classes),
            "parameters": weights,
            "best_epoch": config.epochs,
            "splits": results,
        },
    )
    return path


def _predictions(
    split: str,
    hits: Sequence[bool],
    classes: int,
    labels: Sequence[int] | None,
    *,
    seed: int,
    first: int,
) -> Predictions:
    generator = np.random.default_rng(seed)
    clips = len(hits)
    true = np.arange(clips) % classes if labels is None else np.asarray(labels)
    scores = generator.dirichlet(np.ones(classes), size=clips)
    said = np.where(hits, true, (true + generator.integers(1, classes, size=clips)) % classes)
    # The greatest score and that of the class to be said change places.
    places, greatest = np.arange(clips), scores.argmax(axis=1)
    scores[places, greatest], scores[places, said] = (
        scores[places, said],
        scores[places, greatest],
    )
    return Predictions(
        clip_ids=tuple(f"{split}/{first + number:03}" for number in range(clips)),
        labels=true.astype(np.int32),
        scores=scores.astype(np.float32),
    )


def _epoch(number: int, config: TrainConfig) -> EpochMetrics:
    progress = number / config.epochs
    return EpochMetrics(
        epoch=number,
        train_loss=2.3 * (1 - 0.6 * progress),
        train_top1=0.1 + 0.5 * progress,
        val_loss=2.3 * (1 - 0.3 * progress),
        val_top1=0.1 + 0.2 * progress,
        seconds=32.0,
        best=True,
    )
