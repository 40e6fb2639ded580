"""What a run says about every clip of a split, on disk as `predictions_<split>.parquet`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from signflow.columns import column_of
from signflow.errors import UserError
from signflow.files import atomic_path

SCHEMA = pa.schema(
    [("clip_id", pa.string()), ("label", pa.int32()), ("scores", pa.list_(pa.float32()))]
)


@dataclass(frozen=True, eq=False)
class Predictions:
    """The scores a run gives the clips of a split.

    Attributes:
        clip_ids: one a clip.
        labels: true classes, int32 of shape (clips,).
        scores: calibrated softmax scores, float32 of shape (clips, classes), 0 to 1.
    """

    clip_ids: tuple[str, ...]
    labels: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The class with the highest score, shape (clips,)."""
        highest: npt.NDArray[np.int64] = self.scores.argmax(axis=1)
        return highest

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """Whether that is the true class, shape (clips,)."""
        hits: npt.NDArray[np.bool_] = self.predicted == self.labels
        return hits


def join(parts: Sequence[Predictions]) -> Predictions:
    """Return predictions of different clips as one, as the folds of a cross-validation are.

    Raises:
        ValueError: there are no parts, a clip is in two, or they differ in classes.
    """
    clip_ids = tuple(clip_id for part in parts for clip_id in part.clip_ids)
    if len(set(clip_ids)) < len(clip_ids):
        raise ValueError("the parts share clips: every clip counts once")
    return Predictions(
        clip_ids=clip_ids,
        labels=np.concatenate([part.labels for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
    )


def predictions_path(run: Path, split: str, *, views: int = 1) -> Path:
    """Return where a run directory keeps its predictions for `split`.

    Scores that are means over several views of each clip have files of their own.
    """
    return run / f"predictions_{split}{_suffix(views)}.parquet"


def result_path(run: Path, *, views: int = 1) -> Path:
    """Return where a run directory keeps what was measured of its predictions."""
    return run / f"result{_suffix(views)}.json"


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions as Parquet, atomically."""
    scores = np.ascontiguousarray(predictions.scores, np.float32)
    clips, classes = scores.shape
    numbers = pa.Array.from_buffers(pa.float32(), scores.size, [None, pa.py_buffer(scores)])
    starts = column_of([clip * classes for clip in range(clips + 1)], pa.int32())
    columns = [
        column_of(predictions.clip_ids, pa.string()),
        column_of(predictions.labels.tolist(), SCHEMA.field("label").type),
        pa.ListArray.from_arrays(starts, numbers),
    ]
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    with atomic_path(path) as beside:
        pq.write_table(table, beside)


def read_predictions(path: Path) -> Predictions:
    """Read what `write_predictions` wrote.

    Raises:
        UserError: the file is missing, is no Parquet, or holds other columns.
    """
    try:
        # `pq.read_table`, and `to_numpy` below, would load pandas, wherever that is installed.
        with pq.ParquetFile(path) as file:
            table = file.read(columns=SCHEMA.names).cast(SCHEMA)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; `signflow evaluate` writes it") from None
    except (OSError, pa.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{path}: holds no predictions ({reason}); write it anew with `signflow evaluate`"
        ) from None
    return Predictions(
        clip_ids=tuple(table["clip_id"].to_pylist()),
        labels=np.array(table["label"].to_pylist(), dtype=np.int64),
        scores=_as_matrix(path, table["scores"].to_pylist()),
    )


def _suffix(views: int) -> str:
    return "" if views == 1 else f"_tta{views}"


def _as_matrix(path: Path, rows: Sequence[Sequence[float]]) -> npt.NDArray[np.float32]:
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise UserError(
            f"{path}: clips have {min(widths)} to {max(widths)} scores; every clip needs one score"
            " a class. Write it anew with `signflow evaluate`"
        )
    return np.array(rows, dtype=np.float32).reshape(len(rows), max(widths, default=0))
