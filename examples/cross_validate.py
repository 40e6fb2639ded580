"""Cross-validate the report's four nets over the folds of a store, several seeds each.

    python examples/cross_validate.py stores/egogestar --out runs/egogestar --report ego.html

A clip of a gesture set counts only when its scene was never trained on, so every fold is tested by
nets that were trained on the others. A run that is complete is not trained again: stop this script
whenever you like, and give the same command to go on.
"""

from dataclasses import dataclass
from pathlib import Path

import tyro

from signflow.evaluation import evaluate, summary_table, write_report
from signflow.progress import console
from signflow.store import Store
from signflow.training import TrainConfig, train


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """Cross-validate nets over the folds of a store.

    Attributes:
        store: a store whose clips have folds.
        out: where the runs go: OUT/NET-FOLD-SEED.
        report: the page to write at the end.
        nets: names of registered models.
        folds: the folds to test on.
        seeds: how many seeds, from 0.
        batch_size: clips per step.
        lr: learning rate.
        epochs: passes over the training clips.
    """

    store: tyro.conf.Positional[Path]
    out: Path
    report: Path
    nets: tuple[str, ...] = ("spatial", "temporal", "early-fusion", "late-fusion")
    folds: tuple[int, ...] = (0, 1, 2, 3)
    seeds: int = 3
    batch_size: int = 16
    lr: float = 1e-4
    epochs: int = 10


def main() -> None:
    """Train, evaluate, report."""
    asked = tyro.cli(CrossValidation)
    store = Store.open(asked.store)
    runs = []
    for seed in range(asked.seeds):
        for fold in asked.folds:
            for net in asked.nets:
                out = asked.out / f"{net}-{fold}-{seed}"
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
