"""A run directory, read for people: what was trained, how it went, how good it is."""

import json
import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signflow.errors import UserError
from signflow.evaluation.metrics import SplitResult
from signflow.evaluation.predictions import Predictions, predictions_path, read_predictions
from signflow.files import read_json

SCHEMA_VERSION = 1
"""Of `config.json` and `result.json`."""

DIFFERS_BETWEEN_REPEATS = ("seed", "fold")
"""The fields of a configuration that may differ between runs that repeat one experiment."""

# What `signflow train` names otherwise than the configuration does, and what is no option of it.
_OPTION_NAMES = {"learning_rate": "lr"}
_NO_OPTIONS = ("schema_version", "store")


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """A line of `metrics.jsonl`.

    Attributes:
        epoch: from 1.
        train_loss, val_loss: mean over clips; not a number where the training diverged.
        train_top1, val_top1: 0 to 1.
        seconds: how long the epoch took.
        best: whether it was the best by validation so far.
    """

    epoch: int
    train_loss: float
    train_top1: float
    val_loss: float
    val_top1: float
    seconds: float
    best: bool


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run directory as the report shows it.

    Attributes:
        path: the directory.
        store: the store that it was trained on; it need not be there any more.
        model: name in the registry of models.
        batch_size, learning_rate, epochs, seed, fold: as asked for in the configuration.
        config: all of the configuration.
        history: an entry for each epoch that was finished.
        environment: where it ran (versions, machine, device); empty if unknown.
        classes: the glosses; None before the first evaluation.
        parameters: how many weights the net has; None before the first evaluation.
        best_epoch: the epoch whose weights were kept, from 1; None without any.
        splits: results by split, those that were evaluated.
    """

    path: Path
    store: Path
    model: str
    batch_size: int
    learning_rate: float
    epochs: int
    seed: int
    fold: int | None
    config: Mapping[str, Any]
    history: tuple[Epoch, ...]
    environment: Mapping[str, Any]
    classes: tuple[str, ...] | None = None
    parameters: int | None = None
    best_epoch: int | None = None
    splits: Mapping[str, SplitResult] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "RunRecord":
        """Read a run directory, also one that was killed or not evaluated.

        Raises:
            UserError: `path` is no run, a run of another schema version, or one of its files is
                damaged.
        """
        config_path = path / "config.json"
        if not config_path.is_file():
            raise UserError(
                f"{path}: is no run (it holds no config.json); give a directory that"
                " `signflow train --out` wrote"
            )
        config = _versioned(config_path, what="a run's configuration")
        history = _read_history(path / "metrics.jsonl")
        result_path = path / "result.json"
        environment_path = path / "environment.json"
        try:
            return cls(
                path=path,
                store=Path(config["store"]),
                model=str(config["model"]),
                batch_size=int(config["batch_size"]),
                learning_rate=float(config["learning_rate"]),
                epochs=int(config["epochs"]),
                seed=int(config["seed"]),
                fold=None if config.get("fold") is None else int(config["fold"]),
                config=config,
                history=history,
                environment=_read_object(environment_path) if environment_path.exists() else {},
                **(_read_result(result_path) if result_path.exists() else _best_of(history)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(config_path, error) from None

    @property
    def seconds(self) -> float | None:
        """How long the training took, summed over its epochs; None if none was finished."""
        return sum(epoch.seconds for epoch in self.history) if self.history else None

    @property
    def repeated_experiment(self) -> str:
        """A key that is the same for runs that differ in nothing but seed and fold."""
        same = {k: v for k, v in self.config.items() if k not in DIFFERS_BETWEEN_REPEATS}
        return json.dumps(same, sort_keys=True)

    def predictions(self, split: str) -> Predictions | None:
        """Return the scores of every clip of `split`; None where it was not evaluated.

        Raises:
            UserError: the file is damaged.
        """
        path = predictions_path(self.path, split)
        return read_predictions(path) if path.exists() else None

    def train_command(self) -> str:
        """Return the command line that repeats the run, quoted for a POSIX shell.

        Options follow the configuration: `batch_size: 4` becomes `--batch-size 4`; what is null or
        no plain value is left out.
        """
        words = ["signflow", "train", str(self.store)]
        for name, value in self.config.items():
            if name in _NO_OPTIONS:
                continue
            option = _OPTION_NAMES.get(name, name).replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{option}" if value else f"--no-{option}")
            elif isinstance(value, int | float | str):
                words += [f"--{option}", str(value)]
        return shlex.join([*words, "--out", str(self.path)])


def _versioned(path: Path, *, what: str) -> dict[str, Any]:
    value = _read_object(path, what=what)
    version = value.get("schema_version")
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path}: schema_version is {version!r}, but this signflow reads {SCHEMA_VERSION};"
            " train the run anew, or use the signflow that wrote it"
        )
    return value


def _read_object(path: Path, *, what: str = "a JSON object") -> dict[str, Any]:
    value = read_json(path, what=what)
    if not isinstance(value, dict):
        raise UserError(f"{path}: holds a {type(value).__name__}, expected {what}")
    return value


def _read_result(path: Path) -> dict[str, Any]:
    value = _versioned(path, what="a run's result")
    try:
        return {
            "classes": tuple(value["classes"]),
            "parameters": value["parameters"],
            "best_epoch": value["best_epoch"],
            "splits": {
                split: SplitResult.from_dict(entry) for split, entry in value["splits"].items()
            },
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from None


def _best_of(history: tuple[Epoch, ...]) -> dict[str, Any]:
    return {"best_epoch": max((entry.epoch for entry in history if entry.best), default=None)}


def _read_history(path: Path) -> tuple[Epoch, ...]:
    """Read `metrics.jsonl`; of an epoch that stands there twice (resumed), the last line counts."""
    if not path.exists():
        return ()
    epochs: dict[int, Epoch] = {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            entry = _epoch(json.loads(line))
        except (KeyError, TypeError, ValueError) as error:
            # A training killed while it wrote leaves half a line, and only the last can be that.
            if number == len(lines):
                break
            raise _damaged(path, error, place=f"line {number}") from None
        epochs[entry.epoch] = entry
    return tuple(epochs[number] for number in sorted(epochs))


def _epoch(value: Mapping[str, Any]) -> Epoch:
    def number(name: str) -> float:
        return math.nan if value[name] is None else float(value[name])

    return Epoch(
        epoch=int(value["epoch"]),
        train_loss=number("train_loss"),
        train_top1=number("train_top1"),
        val_loss=number("val_loss"),
        val_top1=number("val_top1"),
        seconds=number("seconds"),
        best=bool(value["best"]),
    )


def _damaged(path: Path, error: Exception, *, place: str = "") -> UserError:
    entry = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    where = f"{path}, {place}" if place else str(path)
    return UserError(f"{where}: {entry}; the file is damaged: train or evaluate the run anew")
