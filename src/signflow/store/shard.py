"""Shards: Arrow IPC files with one record batch per sample.

Format 1 of a shard. Schema, for T frames of H x W pixels:

    clip_id  string
    label    int32
    frames   fixed_size_list<fixed_size_binary(H * W * 3), T>      RGB, row by row
    flow     fixed_size_list<fixed_size_binary(H * W * 2), T - 1>  x then y of every pixel

Where the recipe has an encoding, every image is compressed by itself:

    frames   fixed_size_list<large_binary, T>      PNG, JPEG, or a Zstandard frame of RGB bytes
    flow     fixed_size_list<large_binary, T - 1>  likewise, of one grey picture (2H, W): x above y

Where the recipe keeps no flow, there is no such column.

Every frame lies in one piece in the file, so that a memory-mapped reader touches what it reads.
Source: the Arrow IPC file format, version 1 (https://arrow.apache.org/docs/format/Columnar.html).
"""

import contextlib
import mmap
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from signflow.columns import column_of
from signflow.store.encodings import EncodedImages, Images, encode_images
from signflow.store.recipe import Recipe
from signflow.store.samples import Sample


def shard_schema(recipe: Recipe) -> pa.Schema:
    """The schema above, for a recipe's sizes and encoding."""
    area = recipe.image_size**2
    if recipe.encoding == "raw":
        frame, flow = pa.binary(area * 3), pa.binary(area * 2)
    else:
        frame = flow = pa.large_binary()
    columns = [
        ("clip_id", pa.string()),
        ("label", pa.int32()),
        ("frames", pa.list_(frame, recipe.frames)),
    ]
    if recipe.keep_flow:
        columns.append(("flow", pa.list_(flow, recipe.frames - 1)))
    return pa.schema(columns)


class ShardWriter:
    """Writes samples to a shard, one at a time, as a context manager."""

    def __init__(self, path: Path, *, recipe: Recipe) -> None:
        self._recipe = recipe
        self._schema = shard_schema(recipe)
        self._file = pa.ipc.new_file(str(path), self._schema)
        self.rows = 0

    def append(self, sample: Sample) -> None:
        """Write one sample; its arrays must have the recipe's sizes.

        Raises:
            ValueError: they do not, or are encoded otherwise than the recipe says.
        """
        columns = [
            column_of([sample.clip_id], pa.string()),
            column_of([sample.label], pa.int32()),
            self._column("frames", sample.kept_frames),
        ]
        if not isinstance(sample.kept_flow, Recipe):
            columns.append(self._column("flow", sample.kept_flow))
        self._file.write_batch(pa.record_batch(columns, schema=self._schema))
        self.rows += 1

    def _column(self, name: str, images: Images) -> pa.FixedSizeListArray:
        recipe = self._recipe
        kept = encode_images(images, encoding=recipe.encoding, quality=recipe.jpeg_quality)
        kind = self._schema.field(name).type
        if isinstance(kept, EncodedImages):
            return _pieces_as_column(kept, kind, recipe.image_size)
        return _as_column(kept, kind)

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()


class Shard:
    """A shard, memory-mapped for reading."""

    def __init__(self, path: Path, *, recipe: Recipe) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._bytes = np.frombuffer(self._map, dtype=np.uint8)
        self._file = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(self._map)))
        if self._file.schema != shard_schema(recipe):
            raise ValueError(f"{path}: its arrays do not have the recipe's sizes")
        self._recipe = recipe
        self._places: dict[int, tuple[int, ...]] = {}

    def __len__(self) -> int:
        """Number of samples."""
        return int(self._file.num_record_batches)

    def sample(self, row: int) -> Sample:
        """A sample whose arrays, or pieces, are views into the file: nothing is read yet."""
        batch = self._file.get_batch(row)
        return Sample(
            clip_id=batch.column("clip_id")[0].as_py(),
            label=batch.column("label")[0].as_py(),
            frames=self._images(batch.column("frames"), channels=3),
            flow=self._images(batch.column("flow"), channels=2)
            if self._recipe.keep_flow
            else self._recipe,
        )

    def copy(
        self,
        row: int,
        *,
        first: int = 0,
        frames: NDArray[np.uint8] | None = None,
        flow: NDArray[np.uint8] | None = None,
    ) -> None:
        """Copy a sample's arrays, decoded or computed where need be, to where they are wanted.

        Args:
            row: which sample.
            first: the kept frame that `frames` begins with.
            frames: (N, H, W, 3) in one piece, filled with the kept frames from `first` on.
            flow: (T-1, H, W, 2) in one piece, filled with all flow.
        """
        raw = self._recipe.encoding == "raw"
        sample = None if raw and (flow is None or self._recipe.keep_flow) else self.sample(row)
        # Where raw arrays lie in the file is looked up once: finding them through Arrow takes
        # longer than copying a frame.
        if frames is not None and raw:
            begin = self._places_of(row)[0] + first * frames[0].size
            frames.reshape(-1)[:] = self._bytes[begin : begin + frames.size]
        elif frames is not None and sample is not None:
            for number in range(len(frames)):
                frames[number] = sample.kept_frames[first + number]
        if flow is not None and sample is not None:
            flow[:] = sample.flow
        elif flow is not None:
            begin = self._places_of(row)[1]
            flow.reshape(-1)[:] = self._bytes[begin : begin + flow.size]

    def _places_of(self, row: int) -> tuple[int, ...]:
        """Where a raw sample's frames, and its flow if it is kept, begin in the file."""
        if row not in self._places:
            batch, start = self._file.get_batch(row), self._bytes.ctypes.data
            columns = ("frames", "flow") if self._recipe.keep_flow else ("frames",)
            self._places[row] = tuple(
                batch.column(name).values.buffers()[1].address - start for name in columns
            )
        return self._places[row]

    def _images(self, column: pa.FixedSizeListArray, *, channels: int) -> Images:
        side, encoding = self._recipe.image_size, self._recipe.encoding
        if encoding == "raw":
            return _as_array(column, side, channels)
        pieces = [piece.as_buffer() for piece in column.values]
        return EncodedImages(pieces, (side, side, channels), encoding)

    def drop_pages(self) -> None:
        """Give the memory of pages read so far back; views stay valid and read again from disk."""
        if hasattr(mmap, "MADV_DONTNEED"):
            with contextlib.suppress(OSError):
                self._map.madvise(mmap.MADV_DONTNEED)


def _as_column(array: NDArray[np.uint8], kind: pa.FixedSizeListType) -> pa.FixedSizeListArray:
    images = np.ascontiguousarray(array)
    size = kind.value_type.byte_width
    if images.size != kind.list_size * size:
        raise ValueError(f"{images.shape} does not hold {kind.list_size} images of {size} bytes")
    values = pa.FixedSizeBinaryArray.from_buffers(
        kind.value_type, kind.list_size, [None, pa.py_buffer(images)]
    )
    return pa.FixedSizeListArray.from_arrays(values, type=kind)


def _pieces_as_column(
    images: EncodedImages, kind: pa.FixedSizeListType, side: int
) -> pa.FixedSizeListArray:
    if len(images) != kind.list_size or images.shape[:2] != (side, side):
        raise ValueError(
            f"{len(images)} images of {images.shape} are not {kind.list_size} of {side} x {side}"
        )
    values = column_of([memoryview(piece) for piece in images.pieces], kind.value_type)
    return pa.FixedSizeListArray.from_arrays(values, type=kind)


def _as_array(column: pa.FixedSizeListArray, side: int, channels: int) -> NDArray[np.uint8]:
    values = column.values
    flat = np.frombuffer(values.buffers()[1], dtype=np.uint8)
    return flat.reshape(len(values), side, side, channels)
