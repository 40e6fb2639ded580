"""`signflow audit STORE|SOURCE`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import OmitArgPrefixes, Positional

from signflow.annotations import ReadOptions
from signflow.audit import Audit, audit_source, audit_store, audit_tables, counted_leaks, to_dict
from signflow.cli.parse import parse
from signflow.errors import UserError
from signflow.progress import console


@dataclass(frozen=True, kw_only=True)
class AuditCommand:
    """Look at a set before any training: what is there, and what leaks between its splits.

    Says what can be had of it, how long, large and fast the clips are, who signs where; and what
    lets a net know test clips: the same stretch of a video in two splits, copies under other names,
    the same signer in two splits, text in the picture. Of a store it looks at the frames that are
    kept; of a source (whatever signflow build reads) at the videos, without building. An audit that
    was stopped goes on with the same command.

    Attributes:
        where: a store, or a source.
        out: of a source: the directory for audit.json; by default audits/ and the source's name. A
            store's audit lies in the store.
        read: how to read a source.
        text: also read text in the pictures: half a second a picture on one core.
        strict: exit with status 1 where there are leaks.
        json: print audit.json instead of tables.
        workers: processes; by default one per core.
    """

    where: Positional[Path]
    out: Path | None = None
    read: OmitArgPrefixes[ReadOptions] = field(default_factory=ReadOptions)
    text: bool = False
    strict: bool = False
    json: bool = False
    workers: int | None = None


def run(words: Sequence[str]) -> None:
    """Audit, and say what was found."""
    asked = parse(AuditCommand, words, command="audit")
    audit, path = _audit(asked)
    if asked.json:
        console.file.write(json.dumps(to_dict(audit), indent=2, ensure_ascii=False) + "\n")
    else:
        for part in audit_tables(audit):
            console.print(part, highlight=False, soft_wrap=not hasattr(part, "add_row"))
        console.print(f"All of it: {path}", highlight=False, soft_wrap=True, markup=False)
    if asked.strict and audit.leaks:
        raise UserError(f"{asked.where}: {counted_leaks(audit)}, and --strict", exit_status=1)


def _audit(asked: AuditCommand) -> tuple[Audit, Path]:
    if (asked.where / "store.json").is_file():
        if asked.out is not None or asked.read != ReadOptions():
            raise UserError(
                f"{asked.where}: is a store, whose audit lies in it and which is read as it was"
                " built; --out and the options of reading are for sources"
            )
        return audit_store(asked.where, text=asked.text, workers=asked.workers), (
            asked.where / "audit.json"
        )
    out = asked.out or Path("audits") / (asked.where.stem or "source")
    audit = audit_source(
        asked.where, out=out, options=asked.read, text=asked.text, workers=asked.workers
    )
    return audit, out / "audit.json"
