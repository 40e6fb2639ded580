"""A run directory, read for people: what was trained, how it went, how good it is."""

import re
import shlex
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from signflow.errors import UserError
from signflow.evaluation.metrics import SplitResult, split_result
from signflow.evaluation.predictions import (
    Predictions,
    predictions_path,
    read_predictions,
    result_path,
)
from signflow.files import read_json
from signflow.training import EpochMetrics, Run, TrainConfig

RESULT_SCHEMA_VERSION = 2
"""Version 1 held fewer figures; they are measured anew from the predictions beside it."""


def find_runs(paths: Sequence[Path]) -> list[Path]:
    """Return the run directories among `paths` and in those that are folders of runs.

    A folder's runs come in the order of their names, with numbers as numbers (`bs4` before `bs16`);
    each run comes once. Runs that a search has given up are no result, and left out of folders.

    Raises:
        UserError: a path is neither a run nor holds any.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = [path] if _is_run(path) else sorted(_runs_in(path), key=_by_numbers)
        if not inside:
            raise UserError(
                f"{path}: is no run (no config.json) and holds none; make one with signflow train"
            )
        found.update(dict.fromkeys(inside))
    return list(found)


def _is_run(path: Path) -> bool:
    return (path / "config.json").is_file()


def _runs_in(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    # One level further too: `runs/` often holds a folder for each set.
    found = [
        config.parent for level in ("*", "*/*") for config in path.glob(f"{level}/config.json")
    ]
    return [run for run in found if not (run / "pruned.json").exists()]


def _by_numbers(path: Path) -> list[tuple[int, int, str]]:
    pieces = re.split(r"(\d+)", str(path))
    return [(0, int(piece), "") if piece.isdigit() else (1, 0, piece) for piece in pieces]


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run as the report shows it; it may be unfinished, or not evaluated.

    Attributes:
        run: the run directory with its configuration.
        history: an entry for each epoch that was finished.
        environment: where it ran (versions, machine, device); empty before it is complete.
        failure: why its training failed; None where it did not.
        classes: the glosses; empty before the first evaluation.
        parameters: how many weights the net has; None before the first evaluation.
        best_epoch: the epoch whose weights were kept, from 1; None before the first.
        splits: results by split, of those that were evaluated.
        views: over how many views of each clip the scores in `splits` are means.
    """

    run: Run
    history: tuple[EpochMetrics, ...]
    environment: Mapping[str, Any]
    failure: str | None = None
    classes: tuple[str, ...] = ()
    parameters: int | None = None
    best_epoch: int | None = None
    splits: Mapping[str, SplitResult] = field(default_factory=dict)
    views: int = 1

    @classmethod
    def read(cls, path: Path, *, views: int = 1) -> "RunRecord":
        """Read a run directory.

        Args:
            path: the directory.
            views: which results: those over so many views of each clip; 1: as the clips are.

        Raises:
            UserError: `path` is no run, a run of another schema version, or one of its files is
                damaged; the message names file, value and remedy.
        """
        run = Run.open(path)
        try:
            history = tuple(run.read_metrics())
        except (OSError, TypeError, ValueError) as error:
            raise _damaged(run.metrics_path, error, remedy="train again") from None
        known = {
            "best_epoch": max((epoch.epoch for epoch in history if epoch.best), default=None),
            **_read_result(path, views=views),
        }
        return cls(
            run=run,
            history=history,
            environment=_read_environment(run),
            failure=None if run.complete else _read_failure(path / "failed.json"),
            views=views,
            **known,
        )

    @property
    def path(self) -> Path:
        """The run directory, as it was given."""
        return self.run.path

    @property
    def config(self) -> TrainConfig:
        """What was asked for."""
        return self.run.config

    @property
    def seconds(self) -> float | None:
        """How long its epochs took together; None before the first."""
        return sum(epoch.seconds for epoch in self.history) if self.history else None

    @property
    def experiment(self) -> Hashable:
        """Equal for runs that differ in nothing but seed and fold."""
        return self.run.store_fingerprint, replace(self.config, seed=0, fold=None)

    def predictions(self, split: str) -> Predictions | None:
        """Return the scores of every clip of `split`; None where it was not evaluated.

        Raises:
            UserError: the file is damaged.
        """
        path = predictions_path(self.path, split, views=self.views)
        return read_predictions(path) if path.exists() else None

    def train_command(self) -> str:
        """Return the command line that repeats the run, quoted for a POSIX shell."""
        words = ["signflow", "train", str(self.run.store_path), *self.config.command_options()]
        return shlex.join([*words, "--out", str(self.path)])

    def evaluate_command(self, split: str) -> str:
        """Return the command line that evaluates the run on a split, quoted likewise."""
        words = ["signflow", "evaluate", str(self.path), "--split", split]
        return shlex.join([*words, *(["--tta", str(self.views)] if self.views > 1 else [])])


def _read_environment(run: Run) -> dict[str, Any]:
    if not run.complete:
        return {}
    value = read_json(run.environment_path, what="facts about where a run ran")
    if not isinstance(value, dict):
        found = f"holds a {type(value).__name__}, not an object"
        raise _damaged(run.environment_path, found, remedy="train again")
    return value


def _read_failure(path: Path) -> str | None:
    if not path.exists():
        return None
    value = read_json(path, what="why a run failed")
    reason = value.get("reason") if isinstance(value, dict) else None
    return str(reason) if reason else "for a reason that was not kept"


def _read_result(run: Path, *, views: int) -> dict[str, Any]:
    path = result_path(run, views=views)
    if not path.exists():
        return {}
    value = read_json(path, what="a run's result")
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version not in (1, RESULT_SCHEMA_VERSION):
        raise UserError(
            f"{path}: schema_version is {version!r}; this signflow reads {RESULT_SCHEMA_VERSION}:"
            " evaluate the run again, or use the signflow that wrote it"
        )
    if value.get("views", 1) != views:
        found = f"its scores are of {value.get('views', 1)} views"
        raise _damaged(path, found, remedy="delete it and evaluate the run again")
    try:
        return {
            "classes": tuple(value["classes"]),
            "parameters": value["parameters"],
            "best_epoch": value["best_epoch"],
            "splits": _measured_anew(path, value)
            if version == 1
            else {split: SplitResult.from_dict(entry) for split, entry in value["splits"].items()},
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise _damaged(path, error, remedy="delete it and evaluate the run again") from None


def _measured_anew(path: Path, value: Mapping[str, Any]) -> dict[str, SplitResult]:
    results = {}
    for split, entry in value["splits"].items():
        predictions = predictions_path(path.parent, split)
        # Without its predictions a split counts as not evaluated, and can be evaluated again.
        if predictions.exists():
            given = read_predictions(predictions)
            results[split] = split_result(
                given.clip_ids,
                given.labels,
                given.scores,
                classes=value["classes"],
                asked=entry["asked"],
            )
    return results


def _damaged(path: Path, found: Exception | str, *, remedy: str) -> UserError:
    what = f"{found} is missing" if isinstance(found, KeyError) else str(found)
    return UserError(f"{path}: is damaged ({what}); {remedy}")
