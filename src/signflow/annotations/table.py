"""Tables: `clips.csv` or `clips.parquet` with the columns of a clip."""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from signflow.annotations.clip import SPLITS, Box, ClipList, Split
from signflow.annotations.entries import Entry, assemble
from signflow.annotations.readers import ReadOptions, reader
from signflow.errors import UserError

COLUMNS = ("source", "gloss", "split", "group", "start", "end", "signer", "box", "fold")
_SUFFIXES = (".csv", ".parquet")


def _is_table(source: Path) -> bool:
    if source.is_dir():
        # A store has a clips.parquet too; who means it as a table gives its path.
        return bool(_tables_in(source)) and not (source / "store.json").exists()
    return source.suffix.lower() in _SUFFIXES


@reader("table", matches=_is_table)
def read_table(source: Path, options: ReadOptions) -> ClipList:
    """Read a CSV or Parquet table with a row per clip.

    Columns: `source` (path of a video or of a folder of images, relative to the table) and `gloss`
    are needed; `split`, `group`, `start`, `end` (seconds), `signer`, `box` (four numbers
    y0 x0 y1 x1, 0 to 1) and `fold` are optional, as is each of their values. Where there is no
    split, splits are drawn. Labels follow the glosses in code-point order.

    In Parquet a column may hold numbers (`box`: lists of them), or the same as text.

    Raises:
        UserError: naming file, row, value and what is allowed.
    """
    path = _table_of(source)
    read = _read_parquet if path.suffix.lower() == ".parquet" else _read_csv
    rows = [_parse(Row(path, number, cells)) for number, cells in read(path)]
    if not rows:
        raise UserError(f"{path}: the table has no rows; give one row per clip")
    return assemble(
        rows,
        root=path.parent,
        options=options,
        origin=f"table {path}",
    )


@dataclass(frozen=True)
class Row:
    """A row of a table with what is needed to complain about it."""

    path: Path
    number: int
    cells: Mapping[str, str]

    def cell(self, column: str) -> str | None:
        """The cell's text, stripped; None where it is empty or the column is missing."""
        return (self.cells.get(column) or "").strip() or None

    def error(self, column: str, allowed: str) -> UserError:
        """An error about a cell."""
        value = self.cells.get(column)
        return UserError(f"{self.path}, row {self.number}: {column} is {value!r}; {allowed}")


def _tables_in(folder: Path) -> list[Path]:
    paths = [folder / f"clips{suffix}" for suffix in _SUFFIXES]
    return [path for path in paths if path.is_file()]


def _table_of(source: Path) -> Path:
    if source.is_file():
        return source
    tables = _tables_in(source)
    if len(tables) > 1:
        names = " and ".join(path.name for path in tables)
        raise UserError(f"{source}: holds {names}; give the path of the one that is meant")
    return tables[0]


def _read_csv(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            _check_header(path, table.fieldnames or [])
            return [(table.line_num, row) for row in table]
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: is no CSV table in UTF-8 ({error})") from None


def _read_parquet(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with pq.ParquetFile(path) as file:
            header = file.schema_arrow.names
            _check_header(path, header)
            table = file.read(columns=[name for name in COLUMNS if name in header])
    except (pa.ArrowException, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise UserError(f"{path}: cannot be read as a Parquet table ({reason})") from None
    return [
        (number, {column: _text(value) for column, value in cells.items()})
        for number, cells in enumerate(table.to_pylist(), start=1)
    ]


def _text(value: Any) -> str:
    """A value as a CSV table would state it."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list):
        return " ".join(map(_text, value))
    # Whole numbers with gaps come out of many programs as floats.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _check_header(path: Path, header: Sequence[str]) -> None:
    for column in ("source", "gloss"):
        if column not in header:
            raise UserError(
                f"{path}: has no column {column!r} (it has: {', '.join(header) or 'none'});"
                f" a table needs source and gloss, and may have {', '.join(COLUMNS[2:])}"
            )


def _parse(row: Row) -> Entry:
    source, gloss = row.cell("source"), row.cell("gloss")
    if source is None:
        raise row.error("source", "give the path of a video, or of a folder of images")
    if gloss is None:
        raise row.error("gloss", "give the sign's name")
    return Entry(
        source=source,
        gloss=gloss,
        split=_split(row),
        group=row.cell("group"),
        start=_seconds(row, "start"),
        end=_seconds(row, "end"),
        signer=row.cell("signer"),
        box=_box(row),
        fold=_fold(row),
    )


def _split(row: Row) -> Split | None:
    text = row.cell("split")
    for split in SPLITS:
        if text == split:
            return split
    if text is not None:
        raise row.error("split", f"one of {', '.join(SPLITS)}, or nothing")
    return None


def _seconds(row: Row, column: str) -> float | None:
    text = row.cell(column)
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise row.error(column, "a number of seconds, or nothing")
    return seconds


def _fold(row: Row) -> int | None:
    text = row.cell("fold")
    if text is None:
        return None
    if not text.isdecimal():
        raise row.error("fold", "a whole number from 0, or nothing")
    return int(text)


def _box(row: Row) -> Box | None:
    text = row.cell("box")
    if text is None:
        return None
    numbers = re.split(r"[\s,;]+", text.strip("[]() "))
    try:
        y0, x0, y1, x1 = (float(number) for number in numbers)
    except ValueError:
        raise row.error("box", "four numbers from 0 to 1: y0 x0 y1 x1, or nothing") from None
    return y0, x0, y1, x1
