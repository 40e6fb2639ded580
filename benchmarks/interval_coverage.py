"""How often the 95 % intervals hold the true figure, on scores whose truth is known.

    python benchmarks/interval_coverage.py

Logits are drawn, labels are drawn from their softmax, and the net's scores are the softmax of the
logits times its sureness: 1 is a perfectly calibrated net, more is an over-confident one. The true
figures are those of a very large set. Writes the table of docs/metrics.md.
"""

from dataclasses import dataclass

import numpy as np
import tyro

from signflow.evaluation.measures import MEASURES, bootstrap_interval
from signflow.evaluation.scored import Scored


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Count how often intervals hold the truth.

    Attributes:
        sets: made-up test splits for each line of the table.
        clips: their sizes.
        sureness: of the nets.
        classes: how many there are.
        spread: of the logits; the larger, the better the nets.
    """

    sets: int = 400
    clips: tuple[int, ...] = (100, 300)
    sureness: tuple[float, ...] = (1.0, 1.5, 3.0)
    classes: int = 10
    spread: float = 2.0


def main() -> None:
    """Print the table."""
    asked = tyro.cli(Coverage)
    generator = np.random.default_rng(0)
    measures = [measure for measure in MEASURES if "top5" not in measure.name]
    print("| sureness | clips |", " | ".join(measure.title for measure in measures), "|")
    print("|---:|---:|" + "---:|" * len(measures))
    for sureness in asked.sureness:
        large = made_up(generator, 400_000, sureness, asked)
        truth = [float(m.of(large, np.ones((large.clips, 1)))[0]) for m in measures]
        for clips in asked.clips:
            held = np.zeros(len(measures))
            for _ in range(asked.sets):
                scored = made_up(generator, clips, sureness, asked)
                for place, measure in enumerate(measures):
                    interval = bootstrap_interval(measure, scored)
                    assert interval.low is not None
                    assert interval.high is not None
                    held[place] += interval.low <= truth[place] <= interval.high
            shares = " | ".join(f"{100 * share:.0f} %" for share in held / asked.sets)
            print(f"| {sureness:g} | {clips} | {shares} |", flush=True)


def made_up(generator: np.random.Generator, clips: int, sureness: float, asked: Coverage) -> Scored:
    """Return labels and a net's scores."""
    logits = asked.spread * generator.normal(size=(clips, asked.classes))
    chances = softmax(logits).cumsum(axis=1)
    labels = (chances < generator.random((clips, 1))).sum(axis=1)
    return Scored(np.minimum(labels, asked.classes - 1), softmax(sureness * logits))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return shares that add up to 1 in each row."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


if __name__ == "__main__":
    main()
