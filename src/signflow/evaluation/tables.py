"""The report's tables for a paper: Markdown, LaTeX and CSV, with the figures of the page."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from signflow.evaluation.analysis import Analysis
from signflow.evaluation.comparisons import Comparison
from signflow.evaluation.experiments import Experiment, SplitSummary
from signflow.evaluation.intervals import Interval
from signflow.evaluation.measures import MEASURES
from signflow.evaluation.published import SOURCE, TEST_CLIPS, TITLES
from signflow.evaluation.settings import settings_of
from signflow.evaluation.words import NOTHING, chance, figure, rate, signed_points

Format = Literal["markdown", "csv", "latex"]
TableName = Literal["results", "published", "differences"]
TABLES: tuple[TableName, ...] = get_args(TableName)

Cell = str | int | float | Interval | None


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its name in CSV, its title for people, and how its cells are told."""

    name: str
    title: str
    tell: Callable[[Cell], str] = field(default=lambda cell: NOTHING if cell is None else str(cell))
    is_interval: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with figures as they are; each format tells them in its own way."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str


def tables_of(analysis: Analysis, name: TableName) -> list[Table]:
    """Return the tables of one name; none where there is nothing to tell."""
    if name == "results":
        return [_results(analysis)]
    if name == "published":
        return [_published(analysis, series) for series in TITLES] if analysis.published else []
    pairs = [*analysis.nets, *analysis.settings]
    return [_differences(analysis, pairs)] if pairs else []


def in_format(tables: Sequence[Table], form: Format) -> str:
    """Return tables as text.

    CSV holds the bare figures, shares as 0 to 1, with the bounds of an interval in columns of their
    own; its tables must have the same columns.
    """
    if form == "csv":
        return _as_csv(tables)
    one = _as_markdown if form == "markdown" else _as_latex
    return "\n".join(one(table) for table in tables)


def _results(analysis: Analysis) -> Table:
    columns = [
        Column(name="net", title="Net"),
        *(Column(name=name.replace(" ", "_"), title=name.capitalize()) for name in analysis.told),
        Column(name="runs", title="Runs"),
        _figures("validation_top1", "Validation top-1"),
    ]
    cells: list[list[Cell]] = []
    for experiment in analysis.experiments:
        settings = settings_of(experiment.run)
        top1 = experiment.validation.top1 if experiment.validation else None
        told = [settings[name] for name in analysis.told]
        cells.append([experiment.run.config.model, *told, len(experiment.runs), top1])
    for measure in MEASURES:
        if any(_test(entry, measure.name) for entry in analysis.experiments):
            tell = _percent if measure.is_share else _plain
            column = Column(
                name=f"test_{measure.name}",
                title=f"Test {_lower(measure.title)}",
                tell=tell,
                is_interval=True,
            )
            columns.append(column)
            for row, experiment in zip(cells, analysis.experiments, strict=True):
                row.append(_test(experiment, measure.name))
    if any(entry.test and entry.test.over_groups for entry in analysis.experiments):
        columns.append(_figures("test_top1_over_groups", "Test top-1 over signers"))
        for row, experiment in zip(cells, analysis.experiments, strict=True):
            row.append(experiment.test.over_groups.get("top1") if experiment.test else None)
    columns += [
        Column(name="test_clips", title="Test clips"),
        Column(name="test_clips_asked", title="of"),
    ]
    for row, experiment in zip(cells, analysis.experiments, strict=True):
        row += _availability(experiment.test)
    return Table(
        title="Results",
        columns=tuple(columns),
        rows=tuple(map(tuple, cells)),
        note="Shares in per cent, in brackets 95 % intervals over clips; means over runs that"
        " differ in nothing but seed and fold.",
    )


def _published(analysis: Analysis, series: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for row in analysis.published:
        if row.series == series:
            ours = row.ours
            rows.append(
                (
                    row.config.model,
                    row.config.batch_size,
                    rate(row.config.learning_rate),
                    row.test,
                    ours.test.top1 if ours and ours.test else None,
                    row.validation,
                    ours.validation.top1 if ours and ours.validation else None,
                    len(ours.runs) if ours else 0,
                )
            )
    return Table(
        title=f"{TITLES[series]}: published and ours",
        columns=(
            Column(name="net", title="Net"),
            Column(name="batch_size", title="Batch"),
            Column(name="learning_rate", title="Learning rate"),
            _figures("published_test_top1", "Test, published"),
            _figures("test_top1", "Test, ours"),
            _figures("published_validation_top1", "Validation, published"),
            _figures("validation_top1", "Validation, ours"),
            Column(name="runs", title="Our runs"),
        ),
        rows=tuple(rows),
        note=f"Published: {SOURCE}. Intervals of the published test figures over {TEST_CLIPS}"
        " clips.",
    )


def _differences(analysis: Analysis, pairs: Sequence[Comparison]) -> Table:
    seen: dict[tuple[int, int], Comparison] = {}
    for pair in pairs:
        seen.setdefault((id(pair.first), id(pair.second)), pair)
    return Table(
        title="Differences on the same test clips",
        columns=(
            Column(name="first", title="First"),
            Column(name="second", title="Second"),
            Column(name="clips", title="Clips"),
            Column(
                name="difference",
                title="Difference, points",
                tell=lambda cell: signed_points(cell) if isinstance(cell, Interval) else NOTHING,
                is_interval=True,
            ),
            Column(name="only_first", title="Only first", tell=_count),
            Column(name="only_second", title="Only second", tell=_count),
            Column(name="p", title="p", tell=_chance),
            Column(name="p_corrected", title="p, corrected", tell=_chance),
            Column(name="p_over_groups", title="p over signers", tell=_chance),
        ),
        rows=tuple(
            (
                analysis.name_of(pair.first),
                analysis.name_of(pair.second),
                pair.clips,
                pair.difference,
                pair.only_first,
                pair.only_second,
                pair.p,
                pair.p_corrected,
                pair.p_over_groups,
            )
            for pair in seen.values()
        ),
        note="Top-1 of the first minus that of the second. McNemar's exact test, carried over to"
        " means over seeds; corrected by Holm's method: nets among each other, and the chosen"
        " experiment against all others.",
    )


def _as_markdown(table: Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    texts = _told(table)
    rows = [[re.sub(r"([|*_`<\\])", r"\\\1", cell) for cell in row] for row in texts]
    marks = ["---" if number == 0 else "---:" for number in range(len(table.columns))]
    head = line([column.title for column in table.columns])
    body = [line(row) for row in rows]
    return "\n".join([f"**{table.title}**", "", head, line(marks), *body, "", table.note, ""])


def _as_latex(table: Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return " & ".join(map(_latex, cells)) + r" \\"

    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            rf"\caption{{{_latex(table.title)}. {_latex(table.note)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
            r"\toprule",
            line([column.title for column in table.columns]),
            r"\midrule",
            *(line(row) for row in _told(table)),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _as_csv(tables: Sequence[Table]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for number, table in enumerate(tables):
        if number == 0:
            writer.writerow(_csv_names(table))
        for row in table.rows:
            cells: list[Cell] = []
            for column, cell in zip(table.columns, row, strict=True):
                if not column.is_interval:
                    cells.append(cell)
                elif isinstance(cell, Interval):
                    cells += [cell.value, cell.low, cell.high]
                else:
                    cells += [None, None, None]
            writer.writerow(["" if cell is None else cell for cell in cells])
    return text.getvalue()


def _csv_names(table: Table) -> list[str]:
    names = []
    for column in table.columns:
        bounds = [f"{column.name}_low", f"{column.name}_high"] if column.is_interval else []
        names += [column.name, *bounds]
    return names


def _told(table: Table) -> list[list[str]]:
    return [
        [column.tell(cell) for column, cell in zip(table.columns, row, strict=True)]
        for row in table.rows
    ]


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "–": "--",
    **{letter: rf"\{letter}" for letter in "&%$#_{}"},
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _figures(name: str, title: str) -> Column:
    return Column(name=name, title=title, tell=_percent, is_interval=True)


def _percent(cell: Cell) -> str:
    return figure(cell, percent=True) if isinstance(cell, Interval) else NOTHING


def _plain(cell: Cell) -> str:
    return figure(cell, percent=False) if isinstance(cell, Interval) else NOTHING


def _count(cell: Cell) -> str:
    return f"{cell:g}" if isinstance(cell, int) else f"{cell:.1f}".removesuffix(".0")


def _chance(cell: Cell) -> str:
    return chance(cell if isinstance(cell, float) else None)


def _test(experiment: Experiment, measure: str) -> Interval | None:
    return experiment.test.figures.get(measure) if experiment.test else None


def _availability(summary: SplitSummary | None) -> tuple[Cell, Cell]:
    return (summary.clips, summary.asked) if summary else (None, None)


def _lower(title: str) -> str:
    return title if title.startswith("Macro F1") else title[0].lower() + title[1:]
