"""Train nets several times, by seed and by fold of a cross-validation, and report them together.

    python examples/repeat_runs.py stores/demo --out runs/repeats --report repeats.html
    python examples/repeat_runs.py stores/egogestar --folds 0 1 2 3 --out runs/ego --report ego.html

One run is an anecdote: its accuracy depends on the seed and, with a small test split, on the clips
that fell into it. With folds every clip is tested, each by nets that never saw its group. Complete
runs are not trained again: stop this script when you like, and give the same command to go on.
"""

from dataclasses import dataclass
from pathlib import Path

import tyro

from signflow.evaluation import evaluate, summary_table, write_report
from signflow.progress import console
from signflow.store import Store
from signflow.training import TrainConfig, train


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Train nets several times and report them together.

    Attributes:
        store: a store; for --folds one whose clips have folds.
        out: where the runs go: OUT/NET-SEED, or OUT/NET-FOLD-SEED.
        report: the page to write at the end.
        nets: names of registered models.
        folds: the folds to test on, each in turn; none: the splits that the clips name.
        seeds: how many seeds, from 0.
        batch_size: clips per step.
        lr: learning rate.
        epochs: passes over the training clips.
    """

    store: tyro.conf.Positional[Path]
    out: Path
    report: Path
    nets: tuple[str, ...] = ("spatial", "temporal", "early-fusion", "late-fusion")
    folds: tuple[int, ...] = ()
    seeds: int = 3
    batch_size: int = 16
    lr: float = 1e-4
    epochs: int = 10


def main() -> None:
    """Train, evaluate, report."""
    asked = tyro.cli(Repeats)
    store = Store.open(asked.store)
    runs = []
    for seed in range(asked.seeds):
        for fold in asked.folds or (None,):
            for net in asked.nets:
                place = [net, str(seed)] if fold is None else [net, str(fold), str(seed)]
                out = asked.out / "-".join(place)
                config = TrainConfig(
                    model=net,
                    batch_size=asked.batch_size,
                    learning_rate=asked.lr,
                    epochs=asked.epochs,
                    seed=seed,
                    fold=fold,
                )
                train(store, config=config, out=out)
                if not (out / "result.json").exists():
                    evaluate(out)
                runs.append(out)
    write_report(runs, asked.report)
    console.print(summary_table(runs))


if __name__ == "__main__":
    main()
