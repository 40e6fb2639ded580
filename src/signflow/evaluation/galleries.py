"""The stores behind the runs of a report, each opened once for all its runs."""

from collections.abc import Callable
from pathlib import Path

from signflow.annotations import Clip
from signflow.errors import UserError
from signflow.evaluation.gallery import Gallery, StripImage
from signflow.store import Store
from signflow.training import Run

_Key = tuple[Path, str]


class Galleries:
    """Opens stores as runs ask for them, and remembers what they hold."""

    def __init__(self) -> None:
        self._opened: dict[_Key, Gallery | str] = {}
        self._stores: dict[_Key, Store] = {}

    @property
    def strips(self) -> list[StripImage]:
        """All images drawn so far."""
        opened = [entry for entry in self._opened.values() if isinstance(entry, Gallery)]
        return [strip for gallery in opened for strip in gallery.strips]

    def of(self, run: Run) -> Gallery | str:
        """Return the gallery of a run's store, or why there is none."""
        key = (run.store_path, run.store_fingerprint)
        if key not in self._opened:
            try:
                store = run.open_store()
                self._stores[key] = store
                self._opened[key] = Gallery(store, name=f"clip-{len(self._opened)}")
            except (UserError, OSError) as error:
                self._opened[key] = str(error)
        return self._opened[key]

    def origin_of(self, run: Run) -> str | None:
        """Return what a run's store was built from; None where it cannot be read."""
        self.of(run)
        store = self._stores.get((run.store_path, run.store_fingerprint))
        return store.origin if store else None

    def groups_of(self, run: Run) -> dict[str, str]:
        """Return the group (or else the signer) of each clip of a run's store, where known."""
        return self._known(run, lambda clip: clip.group or clip.signer)

    def signers_of(self, run: Run) -> dict[str, str]:
        """Return the signer of each clip of a run's store, where known."""
        return self._known(run, lambda clip: clip.signer)

    def _known(self, run: Run, of: Callable[[Clip], str | None]) -> dict[str, str]:
        self.of(run)
        store = self._stores.get((run.store_path, run.store_fingerprint))
        known = ((row.clip.clip_id, of(row.clip)) for row in (store.rows if store else ()))
        return {clip_id: name for clip_id, name in known if name}
