"""Learning from few clips: which ones."""

from collections import Counter
from collections.abc import Sequence

import torch

from signflow.store import ClipRow
from signflow.training.config import TrainConfig


def drawn(rows: Sequence[ClipRow], config: TrainConfig) -> list[ClipRow]:
    """At most `config.clips_per_sign` clips of each sign, in the order of `rows`.

    Which ones follows from the seed alone: those drawn for 2 clips are among those for 4.
    """
    if config.clips_per_sign is None:
        return list(rows)
    generator = torch.Generator().manual_seed(config.seed)
    taken: Counter[int] = Counter()
    chosen = []
    for place in torch.randperm(len(rows), generator=generator).tolist():
        label = rows[place].clip.label
        if taken[label] < config.clips_per_sign:
            taken[label] += 1
            chosen.append(place)
    return [rows[place] for place in sorted(chosen)]
