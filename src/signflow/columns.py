"""Arrow columns from Python values.

`pyarrow.array`, and what is built on it, first loads pandas wherever that is installed: 1.7 s of a
processor, in every process that writes one row. These columns are put together from their buffers.
Source: the Arrow columnar format, version 1 (https://arrow.apache.org/docs/format/Columnar.html).
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any

import numpy as np
import pyarrow as pa

_NUMBERS = {pa.int32(): "i", pa.int64(): "q", pa.float32(): "f", pa.float64(): "d"}
"""What the array module calls them."""

_PIECES = {pa.string(): "i", pa.binary(): "i", pa.large_binary(): "q"}
"""What it calls the numbers that say where a value of theirs begins."""


def table_of(rows: Sequence[Mapping[str, Any]], *, schema: pa.Schema) -> pa.Table:
    """Rows as a table.

    Args:
        rows: each with a value, or None, of every name in the schema.
        schema: of types that `column_of` knows.
    """
    columns = [column_of([row[field.name] for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def column_of(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Values as a column.

    Args:
        values: each of the type, or None.
        kind: a type of 32 or 64 bits for numbers, strings or bytes, or lists of any of these.

    Raises:
        TypeError: another type, or a value that is not of the type.
        ValueError: a list of fixed size has another.
        OverflowError: an integer is too large for the type.

    Example:
        >>> column_of(["hello", None], pa.string()).to_pylist()
        ['hello', None]
    """
    missing = np.array([value is None for value in values], dtype=bool)
    validity = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
    if kind in _NUMBERS:
        numbers = array(_NUMBERS[kind], [0 if value is None else value for value in values])
        return pa.Array.from_buffers(kind, len(values), [validity, pa.py_buffer(numbers)])
    if kind in _PIECES:
        some = ("" if value is None else value for value in values)
        pieces = [value.encode() if isinstance(value, str) else value for value in some]
        # What Arrow compressed into says a wrong length, but the right number of bytes.
        starts = _starts((memoryview(piece).nbytes for piece in pieces), _PIECES[kind])
        buffers = [validity, starts, pa.py_buffer(b"".join(pieces))]
        return pa.Array.from_buffers(kind, len(values), buffers)
    if not (pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise TypeError(f"columns of {kind} are not made here")
    buffers = [validity]
    if pa.types.is_list(kind):
        lists = [() if value is None else value for value in values]
        buffers.append(_starts(map(len, lists), "i"))
    else:
        lists = [[None] * kind.list_size if value is None else value for value in values]
        if any(len(each) != kind.list_size for each in lists):
            raise ValueError(f"every list must hold {kind.list_size} values")
    children = [column_of(list(chain.from_iterable(lists)), kind.value_type)]
    return pa.Array.from_buffers(kind, len(values), buffers, children=children)


def _starts(lengths: Iterable[int], code: str) -> pa.Buffer:
    """Where each value begins, and where the last one ends."""
    return pa.py_buffer(array(code, accumulate(lengths, initial=0)))
