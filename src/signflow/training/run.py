"""A run: the directory that training writes and everything after it reads.

config.json                what was asked for, with the store's place and fingerprint
metrics.jsonl              a line an epoch
last.pt                    to resume; removed when the run is complete
model.safetensors          weights of the best epoch by validation
environment.json           machine, versions, duration; with it the run is complete
predictions_<split>.parquet, result.json       written by `signflow evaluate`; of several views
                           of each clip, with _tta<N> in their names
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from signflow.errors import UserError, what_differs
from signflow.files import atomic_path, read_json, write_json
from signflow.store import Store
from signflow.training.config import SCHEMA_VERSION, TrainConfig


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """What one epoch came to.

    Attributes:
        epoch: from 1.
        train_loss: mean joint loss over the epoch's training clips, dropout active; like
            `val_loss` without class weights and label smoothing, so that runs can be compared.
        train_top1: share of them recognised, 0 to 1, likewise.
        val_loss: mean joint loss over the validation clips.
        val_top1: share of them recognised.
        seconds: how long the epoch took.
        best: whether validation was better than in every epoch before: higher top-1, or the same
            with a lower loss.
    """

    epoch: int
    train_loss: float
    train_top1: float
    val_loss: float
    val_top1: float
    seconds: float
    best: bool


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run directory that exists, with its configuration."""

    path: Path
    store_path: Path
    store_fingerprint: str
    config: TrainConfig

    @property
    def metrics_path(self) -> Path:
        """A line an epoch."""
        return self.path / "metrics.jsonl"

    @property
    def last_path(self) -> Path:
        """What resuming needs."""
        return self.path / "last.pt"

    @property
    def model_path(self) -> Path:
        """The weights of the best epoch."""
        return self.path / "model.safetensors"

    @property
    def environment_path(self) -> Path:
        """Where and how long it ran."""
        return self.path / "environment.json"

    @property
    def complete(self) -> bool:
        """Whether training went through its epochs, or stopped early as it was asked to."""
        return self.environment_path.exists()

    @classmethod
    def at(cls, path: Path, *, config: TrainConfig, store: Store) -> "Run":
        """The run that would lie at `path`; the disk is not looked at."""
        return cls(
            path=path,
            store_path=store.path.absolute(),
            store_fingerprint=store.fingerprint,
            config=config,
        )

    def check_place(self) -> None:
        """Make sure that the run's directory is free, or holds this very run.

        Raises:
            UserError: the directory holds a run with other settings, or something else.
        """
        if (self.path / "config.json").exists():
            found = Run.open(self.path)
            if (found.config, found.store_fingerprint) != (self.config, self.store_fingerprint):
                raise UserError(f"{self.path}: {_difference(found, self)}; give another --out")
        elif self.path.exists() and not _empty(self.path):
            raise UserError(f"{self.path}: is not empty and holds no run; give another --out")

    @classmethod
    def create(cls, path: Path, *, config: TrainConfig, store: Store) -> "Run":
        """Make a run directory, or take up the one that is there if it is this very run.

        Raises:
            UserError: the directory holds a run with other settings, or something else.
        """
        run = cls.at(path, config=config, store=store)
        run.check_place()
        described = {
            "schema_version": SCHEMA_VERSION,
            "store": str(run.store_path),
            "store_fingerprint": run.store_fingerprint,
            **config.to_dict(),
        }
        write_json(path / "config.json", described)
        return run

    @classmethod
    def open(cls, path: Path) -> "Run":
        """Open a run directory.

        Raises:
            UserError: there is none, or it has another format.
        """
        if not (path / "config.json").is_file():
            raise UserError(f"{path}: is no run (no config.json); make one with signflow train")
        values = read_json(path / "config.json", what="a run's configuration")
        version = values.pop("schema_version", None) if isinstance(values, dict) else None
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{path / 'config.json'}: schema_version is {version!r}; this signflow reads"
                f" {SCHEMA_VERSION}: train again, or use the signflow that wrote it"
            )
        try:
            store, fingerprint = values.pop("store"), values.pop("store_fingerprint")
            config = TrainConfig(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path / 'config.json'}: {error}; train again") from None
        return cls(path=path, store_path=Path(store), store_fingerprint=fingerprint, config=config)

    def open_store(self) -> Store:
        """Open the store that the run was trained on.

        Raises:
            UserError: it is gone, or another store lies there now.
        """
        store = Store.open(self.store_path)
        if store.fingerprint != self.store_fingerprint:
            raise UserError(
                f"{self.store_path}: is not the store that {self.path} was trained on"
                f" ({store.fingerprint}, not {self.store_fingerprint})"
            )
        return store

    def write_metrics(self, metrics: list[EpochMetrics]) -> None:
        """Write all epochs so far."""
        with atomic_path(self.metrics_path) as beside:
            lines = [json.dumps(asdict(epoch), allow_nan=False) + "\n" for epoch in metrics]
            beside.write_text("".join(lines), encoding="utf-8")

    def read_metrics(self) -> list[EpochMetrics]:
        """Read the epochs so far; none where there is no file yet."""
        if not self.metrics_path.exists():
            return []
        lines = self.metrics_path.read_text(encoding="utf-8").splitlines()
        return [EpochMetrics(**json.loads(line)) for line in lines]


def _empty(path: Path) -> bool:
    """Whether it is a directory with nothing in it but what a killed process had begun to write."""
    return path.is_dir() and all(entry.name.startswith(".") for entry in path.iterdir())


def _difference(found: Run, wanted: Run) -> str:
    old: dict[str, Any] = {"store": found.store_fingerprint, **found.config.to_dict()}
    new: dict[str, Any] = {"store": wanted.store_fingerprint, **wanted.config.to_dict()}
    return f"holds a run with {what_differs(old, new)}"
