"""`signflow train STORE --model NAME --out RUN`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tyro
from tyro.conf import OmitArgPrefixes, Positional

from signflow.cli.parse import option, parse
from signflow.cli.protocol import protocol_in
from signflow.progress import console
from signflow.store import Protocol, Store
from signflow.training import TrainConfig, default_config, processes_asked, train
from signflow.training.low_memory import LowMemory


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train a network on a store. A training that was stopped goes on with the same command.

    Attributes:
        store: a store that signflow build made.
        out: the run's directory.
        protocol: what the options below begin with: standard, or the report's. By default the one
            that the model was made for.
        config: what the result depends on.
        device: auto, cpu or cuda.
        devices: how many of them on each machine, a process each; by default as many as torchrun
            or Slurm started, otherwise 1.
        nodes: machines; by default as many as torchrun or Slurm started, otherwise 1.
        low_memory: hold no whole gradient of a net's large linear layers (1.6 GB for early fusion
            at 224 pixels): the same result but for rounding. In one process only; auto: for the
            report's nets on a CPU, where it is faster, too.
        checkpoint_seconds: write the state to resume from when the last one is older than this.
    """

    store: Positional[Path]
    out: Path
    protocol: Protocol | None = None
    config: OmitArgPrefixes[TrainConfig] = field(default_factory=default_config)
    device: str = "auto"
    devices: int | None = None
    nodes: int | None = None
    low_memory: LowMemory = "auto"
    checkpoint_seconds: float = 60.0


def run(words: Sequence[str]) -> None:
    """Train and say what the best epoch was."""
    config = default_config(option(words, "--model"), protocol=protocol_in(words))
    usual = Train(store=tyro.MISSING, out=tyro.MISSING, config=config)
    asked = parse(Train, words, command="train", default=usual)
    processes = processes_asked(asked.devices, asked.nodes)
    done = train(
        Store.open(asked.store),
        config=asked.config,
        out=asked.out,
        device=asked.device,
        processes=processes,
        low_memory=asked.low_memory,
        checkpoint_seconds=asked.checkpoint_seconds,
    )
    if not processes.first:
        return
    history = done.read_metrics()
    best = [epoch for epoch in history if epoch.best][-1]
    early = "" if len(history) == asked.config.epochs else f" (stopped after {len(history)})"
    console.print(
        f"{asked.config.model}: best epoch {best.epoch} of {asked.config.epochs}{early},"
        f" validation top-1 {best.val_top1:.1%}, loss {best.val_loss:.3f} -> {done.path}",
        highlight=False,
        soft_wrap=True,
    )
