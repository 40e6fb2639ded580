"""What an audit found: plain values, saved as `audit.json`."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from signflow.annotations import Split
from signflow.audit.pairs import Pair, Partition
from signflow.errors import UserError
from signflow.files import read_json, write_json

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Available:
    """How many clips were asked for, and how many can be had."""

    asked: int
    available: int


@dataclass(frozen=True, kw_only=True)
class Class:
    """A class's clips in each split."""

    gloss: str
    splits: Mapping[str, Available]

    @property
    def missing(self) -> int:
        """Clips that cannot be had."""
        return sum(each.asked - each.available for each in self.splits.values())


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Where values lie: the ends, the middle, and what nine tenths of them lie between."""

    count: int
    least: float
    low: float
    median: float
    high: float
    most: float


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Signers, groups or videos: how many each part has, and which lie in two.

    Attributes:
        what: of what.
        between: between what parts they were looked for.
        known: clips that say theirs, of those that were looked at.
        clips: clips that were looked at.
        each: how many every part has ("train": 135).
        shared: name and parts of each that lies in two or more.
    """

    what: Literal["signers", "groups", "videos"]
    between: Partition
    known: int
    clips: int
    each: Mapping[str, int]
    shared: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class ClipText:
    """Text that was read in a clip's picture.

    Attributes:
        clip_id: the clip.
        gloss: its gloss.
        split: its split.
        text: what was read, the lines that differ.
        names_gloss: whether the gloss is among it: a net can read the answer.
    """

    clip_id: str
    gloss: str
    split: Split
    text: tuple[str, ...]
    names_gloss: bool


@dataclass(frozen=True, kw_only=True)
class Text:
    """What was found of text in the picture.

    Attributes:
        looked_at: clips that were looked at.
        clips: those with text.
        by_class: (text, gloss, clips): text that three clips or more of one class have, and none
            of another.
    """

    looked_at: int
    clips: tuple[ClipText, ...]
    by_class: tuple[tuple[str, str, int], ...]

    @property
    def naming(self) -> tuple[ClipText, ...]:
        """Clips whose text names their gloss."""
        return tuple(clip for clip in self.clips if clip.names_gloss)


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit found.

    Attributes:
        fingerprint: of what was audited; another one means that this audit is stale.
        kind: whether a store was audited, or a source.
        origin: what it was read from, for people.
        clips: how many were asked for.
        classes: how many there are.
        splits: how many clips of each split can be had.
        per_class: likewise by class.
        reasons: how many clips cannot be had, by the code of the reason.
        folds: the numbers of the folds; empty where there are none.
        seconds: how long the clips are; None where no clip says it.
        frames: how many frames their videos have in them; None where none could be had.
        fps: frame rates of their videos, likewise.
        sizes: (width, height, clips) of the pictures, the commonest first.
        saturated: share of flow values at the bound; a store's only.
        worst_saturated: (clip id, share) of the clips with most of them, the worst first.
        shared: signers, groups and videos that lie in two splits or folds.
        stretches: pairs that are the same stretch of the same video.
        copies: pairs of which one is a copy of the other.
        compared: clips whose pictures could be compared.
        text: None: was not looked for.
    """

    fingerprint: str
    kind: Literal["store", "source"]
    origin: str
    clips: int
    classes: int
    splits: Mapping[str, Available]
    per_class: tuple[Class, ...]
    reasons: Mapping[str, int]
    folds: tuple[int, ...]
    seconds: Spread | None
    frames: Spread | None
    fps: Spread | None
    sizes: tuple[tuple[int, int, int], ...]
    saturated: Spread | None
    worst_saturated: tuple[tuple[str, float], ...]
    shared: tuple[Shared, ...]
    stretches: tuple[Pair, ...]
    copies: tuple[Pair, ...]
    compared: int
    text: Text | None

    @property
    def available(self) -> int:
        """Clips that can be had."""
        return sum(each.available for each in self.splits.values())

    @property
    def leaks(self) -> int:
        """How many things were found that let a net know test clips: pairs, signers, texts.

        Videos and groups that lie in two parts are not among them: they are worth a look.
        """
        pairs = sum(bool(pair.leaks_between) for pair in (*self.stretches, *self.copies))
        signers = sum(len(each.shared) for each in self.shared if each.what == "signers")
        return pairs + signers + (len(self.text.naming) if self.text else 0)


def counted_leaks(audit: Audit) -> str:
    """How many leaks, in words: "1 leak", "7 leaks"."""
    return f"{audit.leaks} leak{'' if audit.leaks == 1 else 's'}"


def write_audit(path: Path, audit: Audit) -> None:
    """Write an audit, atomically."""
    write_json(path, to_dict(audit))


def to_dict(audit: Audit) -> dict[str, Any]:
    """An audit as JSON values."""
    return {"schema_version": SCHEMA_VERSION, **asdict(audit)}


def read_audit(path: Path) -> Audit:
    """Read what `write_audit` wrote.

    Raises:
        UserError: it is missing, of another format, or damaged.
    """
    values = read_json(path, what="what an audit found")
    version = values.pop("schema_version", None) if isinstance(values, dict) else None
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path}: schema_version is {version!r}; this signflow reads {SCHEMA_VERSION}: audit"
            " again, or use the signflow that wrote it"
        )
    try:
        return _read(Audit, values)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: is damaged ({error!r:.80}); delete it and audit again") from None


Read = TypeVar("Read")


def _read(kind: type[Read], values: Mapping[str, Any]) -> Read:
    hints = get_type_hints(kind)
    return kind(
        **{
            field.name: _value(hints[field.name], values[field.name])
            for field in fields(kind)  # type: ignore[arg-type]
        }
    )


def _value(kind: Any, value: Any) -> Any:
    """A value of JSON as the annotated type wants it: lists become tuples, objects dataclasses."""
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _read(kind, value)  # type: ignore[arg-type]
    if origin in (Union, types.UnionType):
        return None if value is None else _value(inner[0], value)
    if origin is tuple:
        kinds: Sequence[Any] = inner[:1] * len(value) if Ellipsis in inner else inner
        return tuple(_value(each, item) for each, item in zip(kinds, value, strict=True))
    if origin is Mapping:
        return {key: _value(inner[1], item) for key, item in value.items()}
    return value
