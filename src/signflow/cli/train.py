"""`signflow train STORE --model NAME --out RUN`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import OmitArgPrefixes, Positional

from signflow.cli.parse import parse
from signflow.progress import console
from signflow.store import Store
from signflow.training import TrainConfig, train


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train a network on a store. A training that was stopped goes on with the same command.

    Attributes:
        store: a store that signflow build made.
        out: the run's directory.
        config: what the result depends on.
        device: auto, cpu or cuda.
        checkpoint_seconds: write the state to resume from when the last one is older than this.
    """

    store: Positional[Path]
    out: Path
    config: OmitArgPrefixes[TrainConfig] = field(default_factory=TrainConfig)
    device: str = "auto"
    checkpoint_seconds: float = 60.0


def run(words: Sequence[str]) -> None:
    """Train and say what the best epoch was."""
    asked = parse(Train, words, command="train")
    done = train(
        Store.open(asked.store),
        config=asked.config,
        out=asked.out,
        device=asked.device,
        checkpoint_seconds=asked.checkpoint_seconds,
    )
    best = [epoch for epoch in done.read_metrics() if epoch.best][-1]
    console.print(
        f"{asked.config.model}: best epoch {best.epoch} of {asked.config.epochs}, validation top-1"
        f" {best.val_top1:.1%}, loss {best.val_loss:.3f} -> {done.path}",
        highlight=False,
        soft_wrap=True,
    )
