"""What a training on recorded clips looks like: are there enough, and who validates."""

import csv
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from signflow.annotations import Clip, ReadOptions, read_clips
from signflow.app.recordings import GROUP_BY, Recording, signer_of
from signflow.errors import UserError
from signflow.files import atomic_path
from signflow.training import TrainConfig

LEAST_SIGNS = 2
LEAST_CLIPS = 4
"""Of each sign: three to learn from, one to validate with."""

LEAST_SIGNERS = 3
"""From which on signers are kept apart."""

_SHARES = (0.75, 0.25, 0.0)
_MOST_EPOCHS = 200


@dataclass(frozen=True)
class Plan:
    """The clips of a training with their splits.

    Attributes:
        clips: each in train or val.
        apart: whether no signer is in both.
        mixed_because: why signers are not kept apart; empty where they are.
    """

    clips: tuple[Clip, ...]
    apart: bool
    mixed_because: str

    def count(self, split: str) -> int:
        """The clips of a split."""
        return sum(clip.split == split for clip in self.clips)


def missing_clips(glosses: dict[str, list[Recording]]) -> str:
    """What is missing before a training makes sense, for people; empty where nothing is."""
    short = {gloss: len(clips) for gloss, clips in glosses.items() if len(clips) < LEAST_CLIPS}
    if len(glosses) >= LEAST_SIGNS and not short:
        return ""
    need = f"A training needs {LEAST_SIGNS} signs or more, with {LEAST_CLIPS} clips of each."
    if not glosses:
        return f"{need} There are none yet."
    have = [f"{gloss} has {count} of {LEAST_CLIPS}" for gloss, count in short.items()]
    if len(glosses) < LEAST_SIGNS:
        have.append(f"there is only one sign so far, {next(iter(glosses))}")
    listed = "; ".join(have)
    return f"{need} {listed[0].upper()}{listed[1:]}."


def plan_training(folder: Path, glosses: dict[str, list[Recording]]) -> Plan:
    """Draw train and validation from a folder of recorded clips, by signer where that can be.

    Raises:
        UserError: there are too few clips; the message says how many are needed.
    """
    if missing := missing_clips(glosses):
        raise UserError(missing)
    signers = {recording.signer for clips in glosses.values() for recording in clips}
    if None in signers:
        because = "some file names do not say who signs (SIGNER-NUMBER.mp4)"
    elif len(signers) < LEAST_SIGNERS:
        because = f"that takes {LEAST_SIGNERS} signers, and there are {len(signers)}"
        because = because.replace("there are 1", "there is 1")
    else:
        apart = _read(folder, group_by=GROUP_BY)
        if _can_be_learnt(apart):
            return Plan(apart, True, "")
        because = "not enough signers recorded the same signs"
    return Plan(_read(folder, group_by=None), False, because)


def write_plan(plan: Plan, path: Path) -> None:
    """Write the clips as a table, which `signflow build` reads too."""
    with atomic_path(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["source", "gloss", "split", "group", "signer"])
        for clip in plan.clips:
            signer = signer_of(Path(clip.source)) or ""
            table.writerow([clip.source, clip.gloss, clip.split, clip.group or "", signer])


def with_enough_steps(config: TrainConfig, *, clips: int, least_steps: int) -> TrainConfig:
    """A configuration whose epochs add up to so many steps: few clips make short epochs.

    Args:
        config: the usual one.
        clips: to learn from.
        least_steps: 0 leaves the epochs as they are.
    """
    steps = math.ceil(clips / config.batch_size)
    epochs = min(_MOST_EPOCHS, math.ceil(least_steps / steps))
    return replace(config, epochs=max(config.epochs, epochs))


def _read(folder: Path, *, group_by: str | None) -> tuple[Clip, ...]:
    return read_clips(folder, options=ReadOptions(group_by=group_by, shares=_SHARES)).clips


def _can_be_learnt(clips: Sequence[Clip]) -> bool:
    """Whether there is something to validate with, and two clips of each sign to learn from."""
    train = Counter(clip.gloss for clip in clips if clip.split == "train")
    return any(clip.split == "val" for clip in clips) and all(
        train[clip.gloss] >= 2 for clip in clips
    )
