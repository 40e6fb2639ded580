"""The report: one page that shows runs side by side and each in full."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import signflow
from signflow.audit import between
from signflow.errors import UserError
from signflow.evaluation.curves import loss_curves, top1_curves
from signflow.evaluation.data import MOST_ROWS, data_views
from signflow.evaluation.gallery import Gallery, ShownClip, StripImage
from signflow.evaluation.metrics import SplitResult
from signflow.evaluation.repeats import find_repeats
from signflow.evaluation.runs import RunRecord
from signflow.evaluation.words import duration, percent, rate, span
from signflow.files import atomic_path
from signflow.progress import progress_bar
from signflow.store import Store
from signflow.training import Run

MOST_CLASSES_IN_A_MATRIX = 50
"""With more classes a confusion matrix cannot be read; the report lists its largest entries."""


@dataclass(frozen=True, kw_only=True)
class RunView:
    """All that the page shows of a run.

    Attributes:
        anchor: its name within the page.
        name: of its directory.
        run: the run.
        losses, top1s: learning curves as SVG; None before the first epoch.
        clips: recognised test clips, then others.
        missing: sentences on what is not there, and what makes it.
        best_validation: whether no run on the page does better on validation.
    """

    anchor: str
    name: str
    run: RunRecord
    losses: Markup | None
    top1s: Markup | None
    clips: list[ShownClip]
    missing: list[str]
    best_validation: bool


def write_report(
    runs: Sequence[Path],
    out: Path,
    *,
    right: int = 3,
    wrong: int = 3,
    title: str = "Signs in video",
) -> Path:
    """Write one self-contained HTML page on `runs`, atomically; return `out`.

    What a run lacks (an evaluation, epochs, its store) is said on the page and stops nothing.

    Args:
        runs: run directories, in the order in which they are to be shown.
        out: the page.
        right: at most so many recognised test clips are drawn for each run.
        wrong: at most so many test clips that were not recognised.
        title: of the page.

    Raises:
        UserError: no runs are given, or one of them is no run or is damaged.
    """
    if not runs:
        raise UserError("no runs to report on; give the directories that `signflow train` wrote")
    records = [RunRecord.read(path) for path in runs]
    galleries = _Galleries()
    views: list[RunView] = []
    with progress_bar() as progress:
        task = progress.add_task("Drawing", total=len(records), note="")
        for number, record in enumerate(records, start=1):
            progress.update(task, note=record.path.name)
            views.append(_view(number, record, records, galleries, right=right, wrong=wrong))
            progress.advance(task)
    page = (
        _environment()
        .get_template("report.html")
        .render(
            title=title,
            version=signflow.__version__,
            runs=views,
            repeats=find_repeats(records, groups_of=galleries.groups_of),
            several_stores=len({record.run.store_path for record in records}) > 1,
            data=data_views([record.run for record in records]),
            most_rows=MOST_ROWS,
            strips=galleries.strips,
            most_classes=MOST_CLASSES_IN_A_MATRIX,
        )
    )
    with atomic_path(out) as beside:
        beside.write_text(page, encoding="utf-8")
    return out


class _Galleries:
    """Opens each store once, however many runs were trained on it."""

    def __init__(self) -> None:
        self._opened: dict[tuple[Path, str], Gallery | str] = {}
        self._groups: dict[tuple[Path, str], dict[str, str]] = {}

    @property
    def strips(self) -> list[StripImage]:
        opened = [entry for entry in self._opened.values() if isinstance(entry, Gallery)]
        return [strip for gallery in opened for strip in gallery.strips]

    def of(self, run: Run) -> Gallery | str:
        """Return the gallery of a run's store, or why there is none."""
        key = (run.store_path, run.store_fingerprint)
        if key not in self._opened:
            try:
                store = run.open_store()
                self._groups[key] = _groups(store)
                self._opened[key] = Gallery(store, name=f"clip-{len(self._opened)}")
            except (UserError, OSError) as error:
                self._opened[key] = str(error)
        return self._opened[key]

    def groups_of(self, run: Run) -> dict[str, str]:
        """Return the group (or else the signer) of each clip of a run's store, where known."""
        self.of(run)
        return self._groups.get((run.store_path, run.store_fingerprint), {})


def _groups(store: Store) -> dict[str, str]:
    known = ((row.clip.clip_id, row.clip.group or row.clip.signer) for row in store.rows)
    return {clip_id: group for clip_id, group in known if group}


def _view(
    number: int,
    run: RunRecord,
    others: Sequence[RunRecord],
    galleries: _Galleries,
    *,
    right: int,
    wrong: int,
) -> RunView:
    missing = _missing(run)
    clips: list[ShownClip] = []
    predictions = run.predictions("test")
    gallery = galleries.of(run.run)
    if isinstance(gallery, str):
        missing.append(f"No clips can be shown, because the store cannot be read: {gallery}")
    elif predictions is not None:
        try:
            clips = gallery.show(predictions, right=right, wrong=wrong)
        except (KeyError, IndexError, ValueError, OSError) as error:
            missing.append(
                f"No clips can be shown: {run.run.store_path} does not fit the run ({error})."
            )
    return RunView(
        anchor=f"run-{number}",
        name=run.path.resolve().name,
        run=run,
        losses=Markup(loss_curves(run)) if run.history else None,
        top1s=Markup(top1_curves(run)) if run.history else None,
        clips=clips,
        missing=missing,
        best_validation=len(others) > 1 and _is_best_by_validation(run, others),
    )


def _missing(run: RunRecord) -> list[str]:
    sentences = []
    if len(run.history) < run.config.epochs:
        sentences.append(
            f"{len(run.history)} of {run.config.epochs} epochs are finished. The train command,"
            f" given again, goes on: {run.train_command()}"
        )
    for split, name in (("val", "Validation"), ("test", "Test")):
        if split not in run.splits:
            sentences.append(f"{name} was not evaluated: {run.evaluate_command(split)}")
    return sentences


def _is_best_by_validation(run: RunRecord, others: Sequence[RunRecord]) -> bool:
    def top1(record: RunRecord) -> float:
        result = record.splits.get("val")
        value = result.top1.value if result else None
        return -1.0 if value is None else value

    return top1(run) >= 0 and top1(run) == max(top1(other) for other in others)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("signflow.evaluation", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        percent=percent,
        span=span,
        duration=duration,
        rate=rate,
        confusions=largest_confusions,
        between=between,
    )
    return environment


def largest_confusions(result: SplitResult, most: int) -> list[tuple[str, str, int, int]]:
    """Return the commonest mistakes as (true gloss, taken for, how often, clips of the gloss)."""
    glosses = [entry.gloss for entry in result.per_class]
    entries = [
        (glosses[true], glosses[taken], count, result.per_class[true].clips)
        for true, row in enumerate(result.confusion)
        for taken, count in enumerate(row)
        if true != taken and count
    ]
    entries.sort(key=lambda entry: -entry[2])
    return entries[:most]
