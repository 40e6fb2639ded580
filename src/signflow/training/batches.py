"""From a store to batches, one ahead of the step that uses them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from signflow.models import Inputs
from signflow.store import ClipRow, Sample, Store


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """What a model looks at, and the truth.

    Attributes:
        rgb: uint8 (B, N, H, W, 3), or None where the model sees no frames.
        flow: uint8 (B, T-1, H, W, 2), or None where it sees no flow.
        labels: int64 (B,).
        clip_ids: one per clip.
    """

    rgb: Tensor | None
    flow: Tensor | None
    labels: Tensor
    clip_ids: tuple[str, ...]

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        return Batch(
            rgb=None if self.rgb is None else self.rgb.to(device),
            flow=None if self.flow is None else self.flow.to(device),
            labels=self.labels.to(device),
            clip_ids=self.clip_ids,
        )


def batches(
    store: Store, rows: Sequence[ClipRow], *, inputs: Inputs, batch_size: int
) -> Iterator[Batch]:
    """Read rows of a store in the order given, a batch at a time; see `read_ahead`."""
    chunks = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    return read_ahead(store, chunks, inputs=inputs)


def read_ahead(
    store: Store, chunks: Sequence[Sequence[ClipRow]], *, inputs: Inputs
) -> Iterator[Batch]:
    """Read a batch for each chunk of rows, none of which is empty.

    A thread reads the next batch while this one is used; two batches are in memory at most. Only
    what `inputs` names is read from the disk.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read") as reader:
        ahead = reader.submit(read_batch, store, chunks[0], inputs=inputs) if chunks else None
        for following in [*chunks[1:], None]:
            if ahead is None:
                return
            batch = ahead.result()
            ahead = None
            if following:
                ahead = reader.submit(read_batch, store, following, inputs=inputs)
            yield batch


def read_batch(store: Store, rows: Sequence[ClipRow], *, inputs: Inputs) -> Batch:
    """Read a batch of a store: each clip is copied once, from the mapped file into its place."""
    clip_ids = tuple(row.clip.clip_id for row in rows)
    found = store.gather(clip_ids, frames=inputs.rgb, flow=inputs.flow)
    return Batch(
        rgb=None if found.frames is None else torch.from_numpy(found.frames),
        flow=None if found.flow is None else torch.from_numpy(found.flow),
        labels=torch.from_numpy(found.labels),
        clip_ids=clip_ids,
    )


def as_batch(samples: Sequence[Sample], *, inputs: Inputs) -> Batch:
    """Gather what `inputs` names of samples; of what it does not name nothing is decoded."""
    return Batch(
        rgb=None if inputs.rgb is None else _tensor([_frames(s, inputs) for s in samples]),
        flow=_tensor([sample.flow for sample in samples]) if inputs.flow else None,
        labels=torch.tensor([sample.label for sample in samples]),
        clip_ids=tuple(sample.clip_id for sample in samples),
    )


def _frames(sample: Sample, inputs: Inputs) -> np.ndarray:
    return sample.middle_frame[None] if inputs.rgb == "middle" else sample.frames


def _tensor(arrays: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))
