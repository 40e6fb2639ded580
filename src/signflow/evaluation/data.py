"""What the report says of the data: an audit of each store, made for the page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from signflow.audit import Audit, Pair, fresh_audit, look_at_rows
from signflow.audit.findings import Class, Shared
from signflow.errors import UserError
from signflow.training import Run

MOST_ROWS = 12
"""A list on the page is no longer; `audit.json` has all of it."""


@dataclass(frozen=True, kw_only=True)
class DataView:
    """What the page shows of one store.

    Attributes:
        name: of the store's directory.
        audit: what was found; None where the store is gone.
        missing: sentences on what is not known, and what makes it known.
        by_fold: whether runs on the page divide the store by folds, not by the splits it names.
    """

    name: str
    audit: Audit | None
    missing: tuple[str, ...]
    by_fold: bool = False

    @property
    def leaks(self) -> int:
        """How many leaks between splits were found."""
        return 0 if self.audit is None else self.audit.leaks

    @property
    def hit(self) -> list[Class]:
        """The classes that miss clips, the worst first."""
        if self.audit is None:
            return []
        hit = [each for each in self.audit.per_class if each.missing]
        return sorted(hit, key=lambda each: -each.missing)[:MOST_ROWS]

    @property
    def shared(self) -> list[Shared]:
        """Signers and groups by split, where known; by fold, and videos, where some lie in two."""
        if self.audit is None:
            return []
        return [
            each
            for each in self.audit.shared
            if each.shared or (each.known and each.between == "splits" and each.what != "videos")
        ]

    @property
    def pairs(self) -> list[tuple[str, Pair]]:
        """Pairs of clips that show the same: what they are, and the pair; leaks first."""
        if self.audit is None:
            return []
        kinds = (("same stretch", self.audit.stretches), ("copy", self.audit.copies))
        pairs = [(kind, pair) for kind, found in kinds for pair in found]
        return sorted(pairs, key=lambda each: not each[1].leaks_between)


def data_views(runs: Sequence[Run]) -> list[DataView]:
    """What to show of the stores that runs were trained on, each once.

    `audit.json` of a store is taken where it is fresh. Else what its table of clips tells is found
    now; copies and text need pictures, and `signflow audit`.
    """
    views: dict[tuple[str, str], DataView] = {}
    for run in runs:
        key = (str(run.store_path), run.store_fingerprint)
        view = views[key] if key in views else _view(run)
        views[key] = replace(view, by_fold=view.by_fold or run.config.fold is not None)
    return list(views.values())


def _view(run: Run) -> DataView:
    name = run.store_path.name
    try:
        store = run.open_store()
        audit = fresh_audit(store)
        missing = []
        if audit is None:
            audit = look_at_rows(store)
            missing.append(
                "Copies under other names were not looked for: signflow audit"
                f" {run.store_path} does, then make the page again."
            )
    except (UserError, OSError) as error:
        return DataView(name=name, audit=None, missing=(f"The store cannot be read: {error}",))
    if audit.text is None:
        missing.append("Text in the picture was not looked at: signflow audit --text does.")
    if not any(each.known for each in audit.shared if each.what == "signers"):
        missing.append("The annotations do not say who signs, so shared signers cannot be seen.")
    return DataView(name=name, audit=audit, missing=tuple(missing))
