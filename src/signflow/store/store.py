"""Reading a store."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from signflow.annotations import SPLITS, Split
from signflow.errors import UserError
from signflow.files import read_json
from signflow.store.layout import (
    SCHEMA_VERSION,
    building_folder,
    clips_path,
    shard_path,
    store_json,
)
from signflow.store.recipe import Recipe
from signflow.store.rows import ClipRow, read_rows
from signflow.store.samples import Sample
from signflow.store.shard import Shard

FramesWanted = Literal["middle", "all"]

PAGES_HELD = 64 * 2**20
"""Bytes of samples handed out before their pages are given back to the system."""

_PAGES_AROUND = 2**17
"""Bytes that the system may map with each piece that is read, before it and after it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Gathered:
    """What was asked for of several samples, each kind in one array.

    Attributes:
        frames: uint8 (B, N, H, W, 3), or None.
        flow: uint8 (B, T-1, H, W, 2), or None.
        labels: int64 (B,).
    """

    frames: NDArray[np.uint8] | None
    flow: NDArray[np.uint8] | None
    labels: NDArray[np.int64]


class Store:
    """A store, open for reading. Reading is memory-mapped: RAM does not grow with the data set.

    Example:
        >>> store = Store.open(Path("stores/egogestar"))
        >>> store.sample("up/up_3.mp4").frames.shape
        (10, 224, 224, 3)
    """

    def __init__(
        self,
        path: Path,
        *,
        recipe: Recipe,
        classes: tuple[str, ...],
        origin: str,
        fingerprint: str,
    ) -> None:
        """Use `Store.open`."""
        self.path = path
        self.recipe = recipe
        self.classes = classes
        self.origin = origin
        self.fingerprint = fingerprint
        self._shards: dict[int, Shard] = {}
        self._handed_out = 0

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Open a store.

        Raises:
            UserError: there is no store, its build was not finished, or it has another format.
        """
        if not store_json(path).is_file():
            if building_folder(path).is_dir():
                raise UserError(
                    f"{path}: its build is not finished; give the same build command again"
                )
            raise UserError(f"{path}: is no store (no store.json); make one with signflow build")
        facts = read_json(store_json(path), what="a store's description")
        version = facts.get("schema_version") if isinstance(facts, dict) else None
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{store_json(path)}: schema_version is {version!r}; this signflow reads"
                f" {SCHEMA_VERSION}: build the store again, or use the signflow that built it"
            )
        return cls(
            path,
            recipe=Recipe.from_dict(facts["recipe"]),
            classes=tuple(facts["classes"]),
            origin=facts["origin"],
            fingerprint=facts["fingerprint"],
        )

    @cached_property
    def rows(self) -> list[ClipRow]:
        """A row for every clip that was asked for, built or not, in the source's order."""
        return read_rows(clips_path(self.path))

    @cached_property
    def _by_id(self) -> dict[str, ClipRow]:
        return {row.clip.clip_id: row for row in self.rows}

    def row(self, clip_id: str) -> ClipRow:
        """The row of a clip.

        Raises:
            KeyError: the store was not asked for such a clip.
        """
        return self._by_id[clip_id]

    def sample(self, clip_id: str) -> Sample:
        """A clip's sample. Its arrays are read-only views; only what is looked at is read.

        Raises:
            KeyError: the store was not asked for such a clip.
            ValueError: the clip was not built; the message says why.
        """
        self._hand_out(self.recipe.sample_bytes)
        shard, row = self._find(clip_id)
        return shard.sample(row)

    def gather(
        self, clip_ids: Sequence[str], *, frames: FramesWanted | None, flow: bool
    ) -> Gathered:
        """Copy samples into arrays of their own, without a detour: the way to batches.

        Args:
            clip_ids: which clips.
            frames: "middle" (N = 1), "all" (N = T), or none of them.
            flow: whether the flow is wanted.

        Raises:
            KeyError: the store was not asked for such a clip.
            ValueError: a clip was not built; the message says why.

        Example:
            >>> store.gather(["up/up_3.mp4"], frames="middle", flow=False).frames.shape
            (1, 1, 224, 224, 3)
        """
        kept, side = self.recipe.frames, self.recipe.image_size
        first, count = (kept // 2, 1) if frames == "middle" else (0, kept)
        seen = moved = None
        if frames is not None:
            seen = np.empty((len(clip_ids), count, side, side, 3), dtype=np.uint8)
        if flow:
            moved = np.empty((len(clip_ids), kept - 1, side, side, 2), dtype=np.uint8)
        labels = np.empty(len(clip_ids), dtype=np.int64)
        wanted = sum(array[0].nbytes for array in (seen, moved) if array is not None and len(array))
        for number, clip_id in enumerate(clip_ids):
            self._hand_out(wanted + 2 * _PAGES_AROUND)
            shard, row = self._find(clip_id)
            shard.copy(
                row,
                first=first,
                frames=None if seen is None else seen[number],
                flow=None if moved is None else moved[number],
            )
            labels[number] = self.row(clip_id).clip.label
        return Gathered(frames=seen, flow=moved, labels=labels)

    def _find(self, clip_id: str) -> tuple[Shard, int]:
        """The shard that a clip's sample is in, and its place there."""
        row = self.row(clip_id)
        if row.shard is None or row.row is None:
            raise ValueError(f"{clip_id} was not built ({row.status}): {row.reason}")
        shard = self._shards.get(row.shard)
        if shard is None:
            shard = Shard(shard_path(self.path, row.shard), recipe=self.recipe)
            self._shards[row.shard] = shard
        return shard, row.row

    def _hand_out(self, size: int) -> None:
        """Count what is about to be read, and give pages back when it becomes too much."""
        self._handed_out += size
        if self._handed_out > PAGES_HELD:
            for shard in self._shards.values():
                shard.drop_pages()
            self._handed_out = size

    def splits(self, *, fold: int | None = None) -> dict[Split, list[ClipRow]]:
        """All rows by split, built or not.

        Args:
            fold: None takes the splits that the annotations give. A number n makes fold n the test
                split, the fold before it (the last, for n = 0) validation, and the others train.

        Raises:
            UserError: the clips carry no folds, or not this one.
        """
        if fold is None:
            return {split: [r for r in self.rows if r.clip.split == split] for split in SPLITS}
        folds = _folds(self.rows, self.path)
        if fold not in folds:
            raise UserError(
                f"--fold {fold}: {self.path} has the folds {', '.join(map(str, folds))}"
            )
        before = folds[folds.index(fold) - 1]
        chosen: dict[Split, list[ClipRow]] = {split: [] for split in SPLITS}
        for row in self.rows:
            part: Split = {fold: "test", before: "val"}.get(row.clip.fold, "train")  # type: ignore
            chosen[part].append(row)
        return chosen


def _folds(rows: Sequence[ClipRow], path: Path) -> list[int]:
    folds = {row.clip.fold for row in rows}
    if None in folds or len(folds) < 3:
        raise UserError(
            f"{path}: --fold needs a fold number for every clip, three folds or more; give them in"
            " the column fold of the table"
        )
    return sorted(fold for fold in folds if fold is not None)
