"""Drawing train, validation and test where a source does not say."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import PurePath

from signflow.annotations.clip import SPLITS, Split
from signflow.errors import UserError


def draw_splits(
    glosses: Sequence[str],
    *,
    groups: Sequence[str | None],
    shares: tuple[float, float, float],
    seed: int,
) -> list[Split]:
    """Draw a split for every clip, stratified by gloss, groups kept together.

    Greedy: the groups in order of size (equal sizes in an order drawn by `seed`) go where their
    glosses lack most clips. A clip without a group is a group of its own, so that
    without groups every gloss is split by the shares as closely as whole clips allow.

    Args:
        glosses: one per clip.
        groups: one per clip; None where the clip belongs to no group.
        shares: of train, val and test; not negative, summing to 1.
        seed: of the drawing.

    Raises:
        UserError: the shares do not sum to 1.
    """
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise UserError(
            f"shares {shares}: must be three numbers from 0 to 1 that sum to 1 (train, val, test)"
        )
    members: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[f"clip {index}" if group is None else f"group {group}"].append(index)
    names = sorted(members)
    random.Random(seed).shuffle(names)
    names.sort(key=lambda name: -len(members[name]))

    totals = Counter(glosses)
    have: dict[Split, Counter[str]] = {split: Counter() for split in SPLITS}
    drawn: list[Split] = ["train"] * len(glosses)
    for name in names:
        counts = Counter(glosses[index] for index in members[name])
        split = max(
            (split for split, share in zip(SPLITS, shares, strict=True) if share > 0),
            key=lambda split: _need(split, shares, counts, totals=totals, have=have[split]),
        )
        have[split].update(counts)
        for index in members[name]:
            drawn[index] = split
    return drawn


def _need(
    split: Split,
    shares: tuple[float, float, float],
    counts: Counter[str],
    *,
    totals: Counter[str],
    have: Counter[str],
) -> tuple[float, float]:
    """How many clips a split lacks: of the glosses in `counts`, then of all."""
    share = shares[SPLITS.index(split)]
    by_gloss = sum(
        clips * (share * totals[gloss] - have[gloss] - clips / 2) for gloss, clips in counts.items()
    )
    overall = share * totals.total() - have.total()
    return round(by_gloss, 9), round(overall, 9)


def group_of(path: str, pattern: re.Pattern[str]) -> str:
    """Return the group that a file name belongs to.

    Args:
        path: the clip's file; only its name is looked at.
        pattern: searched in the name; its first group, or all it matches, names the group.

    Raises:
        UserError: the pattern does not match.

    Example:
        >>> group_of("up/anna_03.mp4", re.compile(r"^([^_]+)_"))
        'anna'
    """
    name = PurePath(path).name
    found = pattern.search(name)
    if found is None:
        raise UserError(
            f"{path}: --group-by {pattern.pattern!r} does not match the file name {name!r};"
            " every clip needs a group"
        )
    return found[1] if pattern.groups and found[1] is not None else found[0]


def compile_group_by(text: str) -> re.Pattern[str]:
    """Compile the pattern of `--group-by`; a UserError says what is wrong with it."""
    try:
        return re.compile(text)
    except re.error as error:
        raise UserError(f"--group-by {text!r}: no regular expression ({error})") from None
