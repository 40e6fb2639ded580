"""Which runs a sweep has, and what their directories are called."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, fields, replace
from itertools import product
from types import NoneType
from typing import Any, get_args
from urllib.parse import quote

from signflow.errors import UserError
from signflow.store import Protocol
from signflow.training import PROTOCOLS, TrainConfig

Grid = Mapping[str, tuple[Any, ...]]

_SHORT_NAMES = {"batch_size": "bs", "learning_rate": "lr"}
_ALIASES = {"lr": "learning_rate"}
_ALWAYS_NAMED = ("batch_size", "learning_rate")
_NAMED_OTHERWISE = ("model", "seed", *_ALWAYS_NAMED)


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A run of a sweep.

    Attributes:
        name: of its directory. It follows from `config` alone.
        config: what to train.
    """

    name: str
    config: TrainConfig


def planned_runs(
    base: TrainConfig,
    *,
    protocol: Protocol | None = None,
    grid: Grid | None = None,
    seeds: int = 1,
) -> list[PlannedRun]:
    """All combinations of protocol, grid and seeds; what comes out twice is one run.

    Args:
        base: what they have in common.
        protocol: "report": the report's series of batch sizes and learning rates for its four nets;
            otherwise `base` alone.
        grid: values by field of `TrainConfig`; a field of the protocol is replaced.
        seeds: how many, from `base.seed`.

    Raises:
        UserError: a value is not allowed, or seeds are asked for twice.
    """
    if seeds < 1:
        raise UserError(f"--seeds {seeds}: must be 1 or more")
    axes = dict(grid or {})
    if seeds > 1 and "seed" in axes:
        raise UserError("--grid seed=... and --seeds both say which seeds; give one of them")
    axes.setdefault("seed", tuple(range(base.seed, base.seed + seeds)))
    starts = _report(base) if protocol == "report" else [base]
    try:
        # The seed changes last: a sweep that is stopped has all settings with the first seeds.
        names = sorted(axes, key=lambda name: name != "seed")
        configs = [
            replace(start, **dict(zip(names, values, strict=True)))
            for values in product(*(axes[name] for name in names))
            for start in starts
        ]
    except ValueError as error:
        raise UserError(f"--grid: {error}") from None
    return [PlannedRun(name=run_name(config), config=config) for config in dict.fromkeys(configs)]


def run_name(config: TrainConfig) -> str:
    """A readable name: net, batch size, learning rate, seed, and what its protocol has otherwise.

    Example:
        >>> run_name(TrainConfig(model="temporal", fold=2))
        'temporal_bs16_lr1e-05_fold2_seed0'
    """
    parts, usual = [config.model], PROTOCOLS[config.protocol]
    for field in fields(config):
        value = getattr(config, field.name)
        always = field.name in _ALWAYS_NAMED
        if always or (field.name not in _NAMED_OTHERWISE and value != getattr(usual, field.name)):
            label = _SHORT_NAMES.get(field.name, field.name.replace("_", "-"))
            parts.append(f"{label}{_short(value)}")
    return "_".join([*parts, f"seed{config.seed}"])


def parse_grid(words: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Read `lr=1e-5,1e-4` and the like.

    Args:
        words: FIELD=VALUE,VALUE...; a field of `TrainConfig`, also `lr`; "none" is no value.

    Raises:
        UserError: a word has another form, names no field or one twice, or a value is of another
            kind than the field's.
    """
    known = {field.name: field for field in fields(TrainConfig)}
    grid: dict[str, tuple[Any, ...]] = {}
    for word in words:
        name, equals, texts = word.partition("=")
        name = _ALIASES.get(name.replace("-", "_"), name.replace("-", "_"))
        if not equals or not texts:
            raise UserError(f"--grid {word!r}: expected FIELD=VALUE,VALUE such as lr=1e-5,1e-4")
        if name not in known:
            raise UserError(f"--grid {word!r}: no such field; the fields are {', '.join(known)}")
        if name in grid:
            raise UserError(f"--grid: {name} is given twice; give all its values in one list")
        values = [_value(text.strip(), known[name], word) for text in texts.split(",")]
        grid[name] = tuple(dict.fromkeys(values))
    return grid


def _short(value: object) -> str:
    """As text that stands for no other value."""
    short = f"{value:g}" if isinstance(value, float) else quote(str(value), safe="+")
    return short if not isinstance(value, float) or float(short) == value else repr(value)


def _value(text: str, field: Field[Any], word: str) -> Any:
    """A value of the field's kind."""
    kinds = {field.type, *get_args(field.type)}
    if NoneType in kinds and text.lower() == "none":
        return None
    if bool in kinds:
        return _switch(text, word)
    if kinds.isdisjoint((int, float)):
        return text
    kind = float if float in kinds else int
    try:
        value = json.loads(text)
        if isinstance(value, bool) or kind(value) != value:
            raise ValueError(text)
        return kind(value)
    except (TypeError, ValueError):
        expected = "a number" if kind is float else "a whole number"
        raise UserError(f"--grid {word!r}: {text!r} is not {expected}") from None


def _switch(text: str, word: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise UserError(f"--grid {word!r}: {text!r} is neither true nor false")
    return text.lower() == "true"


def _report(base: TrainConfig) -> list[TrainConfig]:
    """The report's 28 different runs; its 32 count those at batch size 16 and rate 1e-5 twice."""
    for name in ("model", "batch_size", "learning_rate"):
        if getattr(base, name) != getattr(TrainConfig(), name):
            option = {"learning_rate": "lr"}.get(name, name).replace("_", "-")
            raise UserError(
                f"--{option}: the protocol says which; leave it out, or give it as --grid"
            )
    settings = [(clips, 1e-5) for clips in (4, 8, 16, 32)]
    settings += [(16, rate) for rate in (1e-5, 5e-5, 1e-4, 5e-4)]
    return [
        replace(base, model=model, batch_size=clips, learning_rate=rate)
        for clips, rate in dict.fromkeys(settings)
        for model in ("spatial", "temporal", "early-fusion", "late-fusion")
    ]
