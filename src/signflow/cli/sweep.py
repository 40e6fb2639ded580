"""`signflow sweep STORE --protocol report --out RUNS`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import OmitArgPrefixes, Positional, UseAppendAction

from signflow.cli.parse import option, parse
from signflow.cli.protocol import protocol_in
from signflow.errors import UserError
from signflow.models import list_models
from signflow.progress import console
from signflow.store import Protocol, Store
from signflow.sweep import (
    SweepOptions,
    SweepSummary,
    Timing,
    parse_grid,
    planned_runs,
    search,
    sweep,
)
from signflow.training import TrainConfig, default_config, protocol_of


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Train many runs on a store: a protocol, a grid, or a search.

    Every run is an ordinary run directory. A sweep that was stopped goes on with the same command.
    Give the command as often as you like, on all machines that share the folder: they share the
    work, and none does a run twice.

    Attributes:
        store: a store that signflow build made.
        out: the folder: a run directory each.
        protocol: report: its four nets, at batch sizes 4, 8, 16, 32 with learning rate 1e-5, and at
            learning rates 1e-5, 5e-5, 1e-4, 5e-4 with batch size 16; standard: what the options of
            signflow train begin with. By default those that the model was made for.
        grid: FIELD=VALUE,VALUE... of any option of signflow train, several times if you like: all
            combinations, also with the protocol's.
        seeds: how many seeds of each, from --seed.
        search: try so many configurations, proposed by Optuna and judged by validation; --grid then
            gives the choices for a field.
        process: how this one works.
        timing: when the work of a process that is gone is taken over.
        config: what all runs have in common.
    """

    store: Positional[Path]
    out: Path
    protocol: Protocol | None = None
    grid: Annotated[tuple[str, ...], UseAppendAction] = ()
    seeds: int = 1
    search: int | None = None
    process: OmitArgPrefixes[SweepOptions] = field(default_factory=SweepOptions)
    timing: OmitArgPrefixes[Timing] = field(default_factory=Timing)
    config: OmitArgPrefixes[TrainConfig] = field(default_factory=default_config)


def run(words: Sequence[str]) -> None:
    """Work on the sweep until it is done, and say what came of it."""
    usual = Sweep(store=tyro.MISSING, out=tyro.MISSING, config=_usual_config(words))
    asked = parse(Sweep, words, command="sweep", default=usual)
    store, grid = Store.open(asked.store), parse_grid(asked.grid)
    if asked.search is None:
        summary = sweep(
            store,
            planned_runs(asked.config, protocol=asked.protocol, grid=grid, seeds=asked.seeds),
            out=asked.out,
            asked={
                "protocol": asked.protocol,
                "grid": {name: list(values) for name, values in grid.items()},
                "seeds": asked.seeds,
                "base": asked.config.to_dict(),
            },
            options=asked.process,
            timing=asked.timing,
        )
    else:
        if asked.protocol is not None or asked.seeds != 1:
            raise UserError("--search goes with neither --protocol nor --seeds")
        summary = search(
            store,
            asked.config,
            out=asked.out,
            trials=asked.search,
            grid=grid,
            options=asked.process,
            timing=asked.timing,
        )
    _print_summary(summary, searched=asked.search is not None)


def _usual_config(words: Sequence[str]) -> TrainConfig:
    """What the options of training begin with: the protocol, or what the nets were made for."""
    protocol = protocol_in(words)
    if protocol == "report":
        return default_config(option(words, "--model"), protocol=protocol)
    nets = [word.removeprefix("model=").split(",") for word in words if word.startswith("model=")]
    known = {net.strip() for net in nets[0]} & set(list_models()) if nets else set()
    kinds = {protocol_of(net) for net in known}
    if protocol is None and len(kinds) > 1:
        raise UserError(
            "--grid model=...: these nets were made for different protocols; sweep them apart, or"
            " say --protocol standard"
        )
    return default_config(option(words, "--model"), protocol=protocol or next(iter(kinds), None))


def _print_summary(summary: SweepSummary, *, searched: bool) -> None:
    total = sum(map(len, (summary.done, summary.pruned, summary.failed, summary.elsewhere)))
    lines = [f"{len(summary.done)} of {total} runs are done in {summary.path}"]
    if summary.pruned:
        lines.append(f"{len(summary.pruned)} were given up early")
    if summary.elsewhere:
        lines.append(f"{len(summary.elsewhere)} are held by other processes")
    lines += [f"{name} failed: {reason}" for name, reason in summary.failed.items()]
    if summary.best is not None:
        name, epoch = summary.best
        lines.append(
            f"best by validation: {name}, epoch {epoch.epoch}, top-1 {epoch.val_top1:.1%}, loss"
            f" {epoch.val_loss:.3f}"
        )
        chosen = summary.path / name if searched else summary.path
        lines.append(f"go on with: signflow evaluate {chosen}")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if summary.failed:
        raise UserError(
            f"{len(summary.failed)} of {total} runs failed; the reasons stand above, and"
            " --retry-failed tries again",
            exit_status=1,
        )
