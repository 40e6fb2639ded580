"""Two clips that should not both be there: what kind of pair, and between which parts of a set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from signflow.annotations import SPLITS, Clip

Partition = Literal["splits", "folds"]
"""What a set is divided by: its splits, or (for `--fold`) the folds of a cross-validation."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two clips that show the same.

    Attributes:
        first: clip id; of the one that would stay (see `stays_before`).
        second: clip id; of the one that would go.
        splits: of the two.
        folds: likewise; None where a clip has none.
        glosses: of the two; where they differ one of the annotations is wrong, or both signs lie
            in the stretch.
        strength: of a stretch, the share of the shorter clip that both show; of a copy, the
            correlation; 0 to 1.
        mirrored: whether one is the other's mirror picture.
    """

    first: str
    second: str
    splits: tuple[str, str]
    folds: tuple[int | None, int | None]
    glosses: tuple[str, str]
    strength: float
    mirrored: bool = False

    @property
    def leaks_between(self) -> tuple[Partition, ...]:
        """Between what it leaks; empty where both clips lie in one part."""
        parts: list[Partition] = []
        if self.splits[0] != self.splits[1]:
            parts.append("splits")
        if None not in self.folds and self.folds[0] != self.folds[1]:
            parts.append("folds")
        return tuple(parts)

    @property
    def same_gloss(self) -> bool:
        """Whether both are said to show the same sign."""
        return self.glosses[0] == self.glosses[1]


def make_pair(
    clips: Sequence[Clip], i: int, j: int, *, strength: float, mirrored: bool = False
) -> Pair:
    """Pair two of a set's clips, by their positions: who stays comes first."""
    first, second = (clips[place] for place in sorted((i, j), key=lambda k: stays_before(clips, k)))
    return Pair(
        first=first.clip_id,
        second=second.clip_id,
        splits=(first.split, second.split),
        folds=(first.fold, second.fold),
        glosses=(first.gloss, second.gloss),
        strength=round(strength, 4),
        mirrored=mirrored,
    )


def stays_before(clips: Sequence[Clip], place: int) -> tuple[int, int]:
    """The order in which clips of a leak stay: test, then validation, then training, then as read.

    A clip less to learn from does the least harm; a test clip less makes another test.
    """
    return -SPLITS.index(clips[place].split), place
