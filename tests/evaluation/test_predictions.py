from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from signflow.errors import UserError
from signflow.evaluation.predictions import Predictions, read_predictions, write_predictions


def test_predictions_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "predictions_test.parquet"
    scores = np.array([[0.25, 0.75], [0.6, 0.4]], dtype=np.float32)
    write_predictions(path, Predictions(("ljubičasta/1", "b"), np.array([1, 1]), scores))
    read = read_predictions(path)
    assert read.clip_ids == ("ljubičasta/1", "b")
    assert read.labels.tolist() == [1, 1]
    assert np.array_equal(read.scores, scores)
    assert read.predicted.tolist() == [1, 0]
    assert read.correct.tolist() == [True, False]


def test_the_file_has_the_documented_columns(tmp_path: Path) -> None:
    path = tmp_path / "predictions_val.parquet"
    write_predictions(path, Predictions((), np.zeros(0, dtype=np.int32), np.zeros((0, 3))))
    schema = pq.read_schema(path)
    assert [(field.name, str(field.type)) for field in schema] == [
        ("clip_id", "string"),
        ("label", "int32"),
        ("scores", "list<element: float>"),
    ]
    assert read_predictions(path).clip_ids == ()


def test_a_missing_file_is_named_with_what_writes_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file; `signflow evaluate` writes it"):
        read_predictions(tmp_path / "predictions_test.parquet")


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "predictions_test.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(UserError, match="holds no predictions"):
        read_predictions(path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"clip_id": ["a"]}, "holds no predictions"),
        ({"clip_id": ["a"], "label": ["x"], "scores": [[0.5]]}, "holds no predictions"),
        ({"clip_id": ["a", "b"], "label": [0, 0], "scores": [[1.0], [0.5, 0.5]]}, "1 to 2 scores"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, columns: dict[str, list], message: str) -> None:
    path = tmp_path / "predictions_test.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(UserError, match=message):
        read_predictions(path)
