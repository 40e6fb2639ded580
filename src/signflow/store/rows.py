"""`clips.parquet`: a row for every clip that was asked for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from signflow.annotations import Clip
from signflow.columns import table_of
from signflow.files import atomic_path

BUILT = "built"


@dataclass(frozen=True, kw_only=True)
class ClipRow:
    """What became of one clip.

    Attributes:
        clip: the clip.
        status: "built", or the code of the fault (see `signflow.video.FaultCode`).
        reason: for people; empty where the clip was built.
        shard: number of the shard that holds the sample; None where there is none.
        row: the sample's place in its shard.
        video_frames: frames of the video in the clip's span.
        fps: the video's average frame rate.
        width: of the video as shown, in pixels.
        height: of the video as shown, in pixels.
        saturated: share of flow values at or beyond the recipe's bound, 0 to 1.
    """

    clip: Clip
    status: str
    reason: str = ""
    shard: int | None = None
    row: int | None = None
    video_frames: int | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    saturated: float | None = None

    @property
    def built(self) -> bool:
        """Whether the store holds a sample of it."""
        return self.status == BUILT


_CLIP_COLUMNS = [
    ("clip_id", pa.string()),
    ("source", pa.string()),
    ("label", pa.int32()),
    ("gloss", pa.string()),
    ("split", pa.string()),
    ("start", pa.float64()),
    ("end", pa.float64()),
    ("signer", pa.string()),
    ("group", pa.string()),
    ("fold", pa.int32()),
    ("box", pa.list_(pa.float64(), 4)),
    ("frame_rate", pa.float64()),
]
_SCHEMA = pa.schema(
    [
        *_CLIP_COLUMNS,
        ("status", pa.string()),
        ("reason", pa.string()),
        ("shard", pa.int32()),
        ("row", pa.int32()),
        ("video_frames", pa.int32()),
        ("fps", pa.float64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("saturated", pa.float64()),
    ]
)


def write_rows(path: Path, rows: Sequence[ClipRow]) -> None:
    """Write rows to a Parquet file, atomically."""
    flat = [asdict(row) for row in rows]
    table = table_of([{**row.pop("clip"), **row} for row in flat], schema=_SCHEMA)
    with atomic_path(path) as beside:
        pq.write_table(table, beside)


def read_rows(path: Path) -> list[ClipRow]:
    """Read what `write_rows` wrote."""
    names = [field.name for field in fields(Clip)]
    rows = []
    # `pq.read_table` would first load pandas, wherever that is installed.
    with pq.ParquetFile(path) as file:
        table = file.read()
    for values in table.to_pylist():
        # A store that was built before a field of Clip came to be goes without it.
        clip = {name: values.pop(name) for name in names if name in values}
        clip["box"] = None if clip["box"] is None else tuple(clip["box"])
        rows.append(ClipRow(clip=Clip(**clip), **values))
    return rows
