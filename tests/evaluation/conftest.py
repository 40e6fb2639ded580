"""A small real store and run directories that look like trained ones."""

import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from signflow.annotations import Clip, ClipList
from signflow.evaluation.metrics import split_result
from signflow.evaluation.predictions import Predictions, predictions_path, write_predictions
from signflow.evaluation.runs import RESULT_SCHEMA_VERSION
from signflow.files import write_json
from signflow.store import Recipe, Store, build_store
from signflow.training import EpochMetrics, Run, TrainConfig

GLOSSES = ("ljubičasta", "narančasta", "手話", "<script>alert('sign')</script>", "up & down", "no")
CLIPS_EACH = 2
"""Built clips of each gloss in each of validation and test; one clip more of each split fails."""

MakeRun = Callable[..., Path]


def render(path: Path, *, frames: int = 8, side: int = 48) -> None:
    """Write a video of a bright square that moves to the right."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = side
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            picture = np.full((side, side, 3), 60, dtype=np.uint8)
            picture[16:32, 2 + 3 * number : 18 + 3 * number] = (230, 180, 140)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    render(folder / "square.mp4")
    clips = [
        Clip(
            clip_id=f"{split}/{gloss}/{number}",
            source=str(folder / ("square.mp4" if number < CLIPS_EACH else "gone.mp4")),
            label=label,
            gloss=gloss,
            split=split,
            signer=f"{split} signer {number}",
        )
        for split in ("val", "test")
        for label, gloss in enumerate(GLOSSES)
        for number in range(CLIPS_EACH + (label == 0))
    ]
    build_store(
        ClipList(clips=tuple(clips), classes=GLOSSES, origin="made up"),
        out=folder / "store",
        recipe=Recipe(frames=4, image_size=32),
        workers=0,
    )
    return Store.open(folder / "store")


@pytest.fixture
def make_run(tmp_path: Path, store: Store) -> MakeRun:
    """Make run directories: `make_run("temporal", seed=1, splits=("test",), finished=2)`."""

    def make(
        model: str = "temporal",
        *,
        seed: int = 0,
        splits: tuple[str, ...] = ("val", "test"),
        finished: int = 3,
    ) -> Path:
        config = TrainConfig(model=model, batch_size=4, epochs=3, seed=seed)
        run = Run.create(tmp_path / f"{model} {seed}", config=config, store=store)
        run.write_metrics([_epoch(number) for number in range(1, finished + 1)])
        if finished == config.epochs:
            write_json(run.environment_path, {"device": "cpu", "lightning_fabric": "2.5 <b>"})
        if splits:
            _evaluate(run.path, store, splits, seed=seed)
        return run.path

    return make


def _epoch(number: int) -> EpochMetrics:
    return EpochMetrics(
        epoch=number,
        train_loss=2.0 / number,
        train_top1=0.2 * number,
        val_loss=2.5 / number,
        val_top1=0.15 * number,
        seconds=32.0,
        best=number < 3,
    )


def _evaluate(run: Path, store: Store, splits: tuple[str, ...], *, seed: int) -> None:
    results = {}
    for split in splits:
        rows = [row for row in store.rows if row.clip.split == split]
        built = [row.clip for row in rows if row.built]
        labels = np.array([clip.label for clip in built], dtype=np.int32)
        scores = np.random.default_rng(seed).dirichlet(np.ones(len(GLOSSES)), size=len(built))
        # Every other clip is recognised, so that there are right and wrong ones.
        scores[::2] = 0.1 * scores[::2] + 0.9 * np.eye(len(GLOSSES))[labels[::2]]
        found = Predictions(tuple(c.clip_id for c in built), labels, scores.astype(np.float32))
        write_predictions(predictions_path(run, split), found)
        results[split] = split_result(
            found.clip_ids, found.labels, found.scores, classes=GLOSSES, asked=len(rows)
        )
    value = {
        "schema_version": RESULT_SCHEMA_VERSION,
        "model": "temporal",
        "classes": list(GLOSSES),
        "parameters": 201_715_010,
        "best_epoch": 2,
        "splits": {split: result.to_dict() for split, result in results.items()},
    }
    (run / "result.json").write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
