"""The report: one page that shows runs side by side, what their differences mean, and each run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import signflow
from signflow.audit import between
from signflow.errors import UserError
from signflow.evaluation.analysis import Analysis, analyse
from signflow.evaluation.charts import What, ceiling_of, learning_curves, reliability_diagram
from signflow.evaluation.data import MOST_ROWS, data_views
from signflow.evaluation.detail import Detail, detail_of
from signflow.evaluation.experiments import Experiment
from signflow.evaluation.findings import findings, once_in
from signflow.evaluation.galleries import Galleries
from signflow.evaluation.gallery import Gallery, ShownClip
from signflow.evaluation.measures import MEASURES
from signflow.evaluation.metrics import SplitResult
from signflow.evaluation.published import CONTRADICTIONS, NETS, SOURCE, TEST_CLIPS, TITLES
from signflow.evaluation.runs import RunRecord, find_runs
from signflow.evaluation.settings import settings_of
from signflow.evaluation.tables import TABLES, Format, TableName, in_format, tables_of
from signflow.evaluation.words import (
    chance,
    duration,
    figure,
    percent,
    points,
    rate,
    signed_points,
    span,
    unbroken,
)
from signflow.files import atomic_path
from signflow.progress import progress_bar

MOST_CLASSES_IN_A_MATRIX = 50
"""With more classes a confusion matrix cannot be read; the report lists its largest entries."""

MOST_RUNS_IN_FULL = 8
"""With more runs the page tells of each only what it is, how it fared and how to repeat it."""

_CHARTS: tuple[tuple[str, What], ...] = (("Loss", "loss"), ("Top-1 accuracy", "top1"))


@dataclass(frozen=True, kw_only=True)
class RunView:
    """All that the page shows of a run.

    Attributes:
        anchor: its name within the page.
        name: of its directory.
        run: the run.
        clips: recognised test clips, then others; empty where the page has many runs.
        missing: sentences on what is not there, and what makes it.
        environment: where it ran, as far as it is not the same for all runs.
    """

    anchor: str
    name: str
    run: RunRecord
    clips: list[ShownClip]
    missing: list[str]
    environment: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class CurvesView:
    """The learning curves of an experiment, small and large."""

    anchor: str
    experiment: Experiment
    charts: list[tuple[str, Markup, Markup]]


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
        runs: run directories, or folders of them, in the order in which they are to be shown.
        out: the page.
        right: at most so many recognised test clips are drawn for each run.
        wrong: at most so many test clips that were not recognised.
        title: of the page.

    Raises:
        UserError: no runs are given, or one of them is no run or is damaged.
    """
    records, galleries = _records(runs), Galleries()
    in_full = len(records) <= MOST_RUNS_IN_FULL
    views: list[RunView] = []
    common = _common([record.environment for record in records if record.environment])
    with progress_bar() as progress:
        task = progress.add_task("Reporting", total=len(records) + 2, note="measuring")
        analysis = analyse(records, groups_of=galleries.groups_of)
        progress.advance(task)
        for number, record in enumerate(records, start=1):
            progress.update(task, note=record.path.name)
            missing = _missing(record)
            clips: list[ShownClip] = []
            if in_full:
                clips = _clips(record, galleries, missing, right=right, wrong=wrong)
            views.append(
                RunView(
                    anchor=f"run-{number}",
                    name=record.path.resolve().name,
                    run=record,
                    clips=clips,
                    missing=missing,
                    environment={k: v for k, v in record.environment.items() if k not in common},
                )
            )
            progress.advance(task)
        progress.update(task, note="drawing")
        detail, detail_lacks = _detail(analysis, galleries)
        page = (
            _environment()
            .get_template("report.html")
            .render(
                title=title,
                version=signflow.__version__,
                analysis=analysis,
                findings=findings(analysis),
                data=data_views([record.run for record in records]),
                most_rows=MOST_ROWS,
                runs=views,
                in_full=in_full,
                common_environment=common,
                curves=_curves(analysis),
                detail=detail,
                detail_lacks=detail_lacks,
                diagram=Markup(reliability_diagram(detail.bins)) if detail else None,
                origin=galleries.origin_of(analysis.shown.run.run),
                strips=galleries.strips,
            )
        )
        progress.advance(task)
    with atomic_path(out) as beside:
        beside.write_text(page, encoding="utf-8")
    return out


def report_tables(
    runs: Sequence[Path], *, form: Format, tables: Sequence[TableName] = TABLES
) -> str:
    """Return the report's tables as Markdown, LaTeX or CSV.

    Raises:
        UserError: as `write_report`; or CSV is asked for more than one table, which differ in
            their columns.
    """
    if form == "csv" and len(tables) != 1:
        raise UserError(f"--format csv: holds one table; give one of --table {', '.join(TABLES)}")
    analysis = analyse(_records(runs), groups_of=Galleries().groups_of)
    return in_format([table for name in tables for table in tables_of(analysis, name)], form)


def _records(runs: Sequence[Path]) -> list[RunRecord]:
    if not runs:
        raise UserError("no runs to report on; give the directories that `signflow train` wrote")
    return [RunRecord.read(path) for path in find_runs(runs)]


def _clips(
    run: RunRecord, galleries: Galleries, missing: list[str], *, right: int, wrong: int
) -> list[ShownClip]:
    """Draw a run's clips; where that cannot be, say why in `missing`."""
    gallery, predictions = galleries.of(run.run), run.predictions("test")
    if isinstance(gallery, str):
        missing.append(f"No clips can be shown, because the store cannot be read: {gallery}")
    elif predictions is not None:
        try:
            return gallery.show(predictions, right=right, wrong=wrong)
        except (KeyError, IndexError, ValueError, OSError) as error:
            missing.append(_does_not_fit(run, error))
    return []


def _detail(analysis: Analysis, galleries: Galleries) -> tuple[Detail | None, str | None]:
    """Return the experiment to show in full, and why its clips cannot be drawn."""
    run = analysis.shown.run
    gallery, signers = galleries.of(run.run), galleries.signers_of(run.run)
    if isinstance(gallery, Gallery):
        try:
            return detail_of(analysis.shown, signers=signers, gallery=gallery), None
        except (KeyError, IndexError, ValueError, OSError) as error:
            lacks = _does_not_fit(run, error)
    else:
        lacks = f"No clips can be shown, because the store cannot be read: {gallery}"
    return detail_of(analysis.shown, signers=signers, gallery=None), lacks


def _does_not_fit(run: RunRecord, error: Exception) -> str:
    return f"No clips can be shown: {run.run.store_path} does not fit the run ({error})."


def _curves(analysis: Analysis) -> list[CurvesView]:
    begun = [run for run in analysis.runs if run.history]
    ceiling = ceiling_of(begun) if begun else None
    views = []
    for number, experiment in enumerate(analysis.experiments, start=1):
        runs = [run for run in experiment.runs if run.history]
        if runs:
            charts = [
                (
                    name,
                    Markup(learning_curves(runs, what, ceiling=ceiling)),
                    Markup(learning_curves(runs, what, large=True)),
                )
                for name, what in _CHARTS
            ]
            views.append(
                CurvesView(anchor=f"curves-{number}", experiment=experiment, charts=charts)
            )
    return views


def _common(environments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = environments[0] if environments else {}
    return {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in environments)
    }


def _missing(run: RunRecord) -> list[str]:
    sentences = []
    if run.failure is not None:
        sentences.append(f"The training failed: {run.failure}")
    if len(run.history) < run.config.epochs and not run.run.complete:
        sentences.append(
            f"{len(run.history)} of {run.config.epochs} epochs are finished. The train command,"
            f" given again, goes on: {run.train_command()}"
        )
    for split, name in (("val", "Validation"), ("test", "Test")):
        if split not in run.splits:
            sentences.append(f"{name} was not evaluated: {run.evaluate_command(split)}")
    return sentences


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("signflow.evaluation", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        between=between,
        chance=chance,
        confusions=largest_confusions,
        duration=duration,
        figure=figure,
        once_in=once_in,
        percent=percent,
        points=points,
        rate=rate,
        settings=settings_of,
        signed_points=signed_points,
        span=span,
        unbroken=unbroken,
    )
    environment.globals.update(
        contradictions=CONTRADICTIONS,
        measures=MEASURES,
        most_classes=MOST_CLASSES_IN_A_MATRIX,
        published_nets=NETS,
        published_source=SOURCE,
        published_test_clips=TEST_CLIPS,
        published_titles=TITLES,
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
