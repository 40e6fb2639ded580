"""Columns that are made from their buffers are those that Arrow makes, without loading pandas."""

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from squares import write_square_video

from signflow.columns import column_of, table_of

BOX = pa.list_(pa.float64(), 4)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], pa.string()),
        (["šljiva", "", None, "čaša", "x" * 1000], pa.string()),
        ([None] * 9, pa.string()),
        ([b"", None, b"\x00\xff", memoryview(b"seen")], pa.large_binary()),
        ([b"one", b"two"], pa.binary()),
        ([1, None, -(2**31), 2**31 - 1] * 5, pa.int32()),
        ([2**63 - 1, None], pa.int64()),
        ([0.1, None, math.inf, -0.0, 3], pa.float64()),
        ([0.5, 1.25], pa.float32()),
        ([(0.0, 0.25, 0.5, 1.0), None, [1, 2, 3, 4]], BOX),
        ([None], BOX),
        ([[], None, [1.5], [0.5, None, 2.5]], pa.list_(pa.float64())),
    ],
    ids=lambda value: None if isinstance(value, list) else str(value),
)
def test_a_column_is_arrows_own(values: list[Any], kind: pa.DataType):
    column = column_of(values, kind)

    column.validate(full=True)
    assert column.equals(pa.array(values, kind))


@pytest.mark.parametrize(
    ("values", "kind", "error"),
    [
        ([2**31], pa.int32(), OverflowError),
        ([1.5], pa.int32(), TypeError),
        (["3"], pa.float64(), TypeError),
        ([0], pa.string(), TypeError),
        ([[1.0, 2.0]], BOX, ValueError),
        ([True], pa.bool_(), TypeError),
    ],
)
def test_what_is_not_of_the_type_is_refused(values: list[Any], kind: pa.DataType, error: type):
    with pytest.raises(error):
        column_of(values, kind)


def test_rows_become_a_table_by_their_names():
    schema = pa.schema([("name", pa.string()), ("box", BOX), ("times", pa.list_(pa.float64()))])
    rows = [
        {"times": [0.0, 0.5], "name": "a", "box": None},
        {"name": None, "box": (0, 0, 1, 1), "times": []},
    ]

    assert table_of(rows, schema=schema).equals(pa.Table.from_pylist(rows, schema=schema))


def test_no_process_of_a_build_loads_pandas(tmp_path: Path):
    write_square_video(tmp_path / "videos" / "down" / "a.mp4", gloss="down")
    command = [sys.executable, "-m", "signflow.cli.main", "build", str(tmp_path / "videos")]
    command += ["--out", str(tmp_path / "store"), "--workers", "1", "--image-size", "32"]

    # Of all that is imported, in the worker as well, a line is printed.
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONPROFILEIMPORTTIME": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    imported = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    assert imported.count("signflow.columns") == 2
    assert "pandas" not in imported
