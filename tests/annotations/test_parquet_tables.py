"""A table may be Parquet as well as CSV."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from squares import Signflow

from signflow.annotations import read_clips
from signflow.errors import UserError

CSV = (
    "source,gloss,split,group,start,end,signer,box,fold,remark\n"
    "a.mp4,nice,train,g1,1.5,3,7,0.1 0.2 0.9 0.8,0,x\n"
    "sub/b.mp4,žuta,test,,,,,,1,\n"
    "c.mp4,10,val,g2,,2.25,9,,,\n"
)
COLUMNS: dict[str, list[Any]] = {
    "source": ["a.mp4", "sub/b.mp4", "c.mp4"],
    "gloss": ["nice", "žuta", "10"],
    "split": ["train", "test", "val"],
    "group": ["g1", None, "g2"],
    "start": [1.5, None, None],
    "end": [3.0, None, 2.25],
    "signer": [7, None, 9],
    "box": [[0.1, 0.2, 0.9, 0.8], None, None],
    "fold": [0, 1, None],
    "remark": ["x", None, None],
}


def write(path: Path, columns: dict[str, Any]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_a_parquet_table_gives_the_clips_of_the_same_csv_table(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text(CSV, encoding="utf-8")
    path = write(tmp_path / "same.parquet", COLUMNS)

    assert read_clips(path).clips == read_clips(tmp_path / "clips.csv").clips
    assert read_clips(path).classes == ("10", "nice", "žuta")


@pytest.mark.parametrize(
    "changes",
    [
        {"signer": [7.0, float("nan"), 9.0], "fold": [0.0, 1.0, float("nan")]},
        {"gloss": pa.array(COLUMNS["gloss"]).dictionary_encode()},
        {"box": ["0.1 0.2 0.9 0.8", None, ""], "start": ["1.5", "", None]},
        {"box": pa.array(COLUMNS["box"], pa.list_(pa.float64(), 4))},
    ],
)
def test_columns_may_be_typed_as_other_programs_type_them(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    plain = write(tmp_path / "plain.parquet", COLUMNS)
    typed = write(tmp_path / "typed.parquet", {**COLUMNS, **changes})

    assert read_clips(typed).clips == read_clips(plain).clips


def test_a_folder_is_read_by_its_clips_parquet(tmp_path: Path) -> None:
    write(tmp_path / "clips.parquet", COLUMNS)
    assert len(read_clips(tmp_path).clips) == 3

    (tmp_path / "clips.csv").write_text(CSV, encoding="utf-8")
    with pytest.raises(UserError, match=r"holds clips.csv and clips.parquet; give the path"):
        read_clips(tmp_path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"gloss": ["x"]}, r"no column 'source' \(it has: gloss\)"),
        ({"source": pa.array([], pa.string()), "gloss": pa.array([], pa.string())}, r"no rows"),
        ({"source": ["a", None], "gloss": ["x", "y"]}, r"row 2: source is ''"),
        ({"source": ["a"], "gloss": ["x"], "fold": [0.5]}, r"row 1: fold is '0.5'; a whole number"),
        ({"source": ["a"], "gloss": ["x"], "box": [[0.1, 0.2]]}, r"row 1: box is '0.1 0.2'"),
        ({"source": ["a"], "gloss": ["x"], "split": ["dev"]}, r"row 1: split is 'dev'; one of"),
    ],
)
def test_a_malformed_parquet_table_is_refused_by_row_and_value(
    tmp_path: Path, columns: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read_clips(write(tmp_path / "clips.parquet", columns))


@pytest.mark.parametrize("data", [b"", b"source,gloss\n", b"PAR1" + bytes(40) + b"PAR1"])
def test_what_is_no_parquet_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "t.parquet").write_bytes(data)
    with pytest.raises(UserError, match=r"t.parquet: cannot be read as a Parquet table"):
        read_clips(tmp_path / "t.parquet")


def test_a_parquet_table_is_built_like_any_other(
    tmp_path: Path, square_table: Path, signflow: Signflow
) -> None:
    wanted = read_clips(square_table).clips[:2]
    columns = {
        "source": [clip.source for clip in wanted],
        "gloss": [clip.gloss for clip in wanted],
        "split": [clip.split for clip in wanted],
    }
    source = write(tmp_path / "clips.parquet", columns)
    out = tmp_path / "store"
    signflow("build", source, "--out", out, "--image-size", "16", "--workers", "0")
    rows = pq.read_table(out / "clips.parquet").to_pylist()
    assert [row["status"] for row in rows] == ["built", "built"]

    # A store is no source by mistake, but its clips are one by intent.
    with pytest.raises(UserError, match=r"no clips in its sub-folders"):
        read_clips(out)
    assert read_clips(out / "clips.parquet").clips == read_clips(source).clips
