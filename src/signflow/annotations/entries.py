"""Clips as tables and folders state them, before classes and splits are known."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from signflow.annotations.clip import SPLITS, Box, Clip, ClipList, Split
from signflow.annotations.readers import ReadOptions, number_repeats
from signflow.annotations.splits import compile_group_by, draw_splits, group_of
from signflow.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A clip as a table or a folder states it: the label is not known yet, the split may not be."""

    source: str
    gloss: str
    split: Split | None = None
    group: str | None = None
    start: float | None = None
    end: float | None = None
    signer: str | None = None
    box: Box | None = None
    fold: int | None = None


def assemble(
    entries: Sequence[Entry], *, root: Path, options: ReadOptions, origin: str
) -> ClipList:
    """Turn entries into clips: number the classes, name the clips, draw what splits are missing.

    Args:
        entries: in the order wanted; `source` relative to `root`, or absolute.
        root: where relative sources start.
        options: `group_by`, `shares`, `split_seed` and `frame_rate` are used.
        origin: see `ClipList`.

    Raises:
        UserError: an option does not go with this source, or only some entries have a split.
    """
    if any(option is not None for option in (options.classes, options.videos, options.subset)):
        raise UserError(
            f"{origin}: --classes, --videos and --subset are for annotation directories only"
            " (MS-ASL, WLASL)"
        )
    glosses = [unicodedata.normalize("NFC", entry.gloss) for entry in entries]
    classes = tuple(sorted(set(glosses)))
    groups = [entry.group for entry in entries]
    if options.group_by is not None:
        pattern = compile_group_by(options.group_by)
        groups = [group_of(entry.source, pattern) for entry in entries]
    splits = _splits(entries, glosses, groups, options=options, origin=origin)
    ids = number_repeats([_clip_name(entry) for entry in entries])
    sources = [(root / entry.source).absolute() for entry in entries]
    clips = tuple(
        Clip(
            clip_id=clip_id,
            source=str(source),
            label=classes.index(gloss),
            gloss=gloss,
            split=split,
            start=entry.start,
            end=entry.end,
            signer=entry.signer,
            group=group,
            fold=entry.fold,
            box=entry.box,
            frame_rate=options.frame_rate if source.is_dir() else None,
        )
        for clip_id, entry, source, gloss, split, group in zip(
            ids, entries, sources, glosses, splits, groups, strict=True
        )
    )
    return ClipList(clips=clips, classes=classes, origin=origin)


def _splits(
    entries: Sequence[Entry],
    glosses: Sequence[str],
    groups: Sequence[str | None],
    *,
    options: ReadOptions,
    origin: str,
) -> list[Split]:
    without = [entry for entry in entries if entry.split is None]
    if without and len(without) < len(entries):
        raise UserError(
            f"{origin}: {without[0].source} has no split while other clips have one;"
            f" give every clip one of {', '.join(SPLITS)}, or none"
        )
    if without:
        return draw_splits(glosses, groups=groups, shares=options.shares, seed=options.split_seed)
    splits = [entry.split for entry in entries if entry.split is not None]
    seen: dict[str, Split] = {}
    for group, split in zip(groups, splits, strict=True):
        if group is not None and seen.setdefault(group, split) != split:
            raise UserError(
                f"{origin}: the group {group!r} lies in two splits ({seen[group]} and {split});"
                " put all its clips into one, or leave the splits out to have them drawn"
            )
    return splits


def _clip_name(entry: Entry) -> str:
    name = unicodedata.normalize("NFC", entry.source)
    if entry.start is None and entry.end is None:
        return name
    start = f"{entry.start or 0:.3f}"
    return f"{name}@{start}-{'end' if entry.end is None else f'{entry.end:.3f}'}"
