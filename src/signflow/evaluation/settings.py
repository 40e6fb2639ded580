"""What was asked of runs, in words: any setting, also one that is yet to be added."""

from collections.abc import Sequence
from typing import Any

from signflow.evaluation.runs import RunRecord
from signflow.evaluation.words import NOTHING, rate

REPEATED = ("seed", "fold")
"""Settings in which the repeats of one experiment differ."""

_USUAL = ("batch_size", "learning_rate", "epochs")
_TITLES = {"batch_size": "batch", "learning_rate": "learning rate"}


def settings_of(run: RunRecord) -> dict[str, str]:
    """Return all settings of a run but its net: names as people say them, values as they read them.

    Example:
        >>> settings_of(RunRecord.read(Path("runs/demo/temporal")))
        {'batch': '16', 'learning rate': '1e-5', 'epochs': '10', 'seed': '0', 'fold': '–'}
    """
    return {
        title_of(name): in_words(value)
        for name, value in run.config.to_dict().items()
        if name != "model"
    }


def differing_settings(runs: Sequence[RunRecord]) -> list[str]:
    """Return the names of the settings in which the runs are not all alike, but seed and fold."""
    each = [settings_of(run) for run in runs]
    names = each[0] if each else {}
    return [
        name
        for name in names
        if name not in REPEATED and len({settings.get(name) for settings in each}) > 1
    ]


def told_settings(runs: Sequence[RunRecord]) -> list[str]:
    """Return the settings that a table of the runs shows: the report's, and those that differ."""
    return list(dict.fromkeys([*map(title_of, _USUAL), *differing_settings(runs)]))


def title_of(name: str) -> str:
    """Return the name of a setting as people say it: `learning rate`."""
    return _TITLES.get(name, name.replace("_", " "))


def in_words(value: Any) -> str:
    """Return the value of a setting as people read it."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return rate(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(in_words, value))
    return str(value)
