import csv
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from signflow.errors import UserError
from signflow.evaluation.report import report_tables, write_report
from signflow.evaluation.runs import RunRecord
from signflow.evaluation.tables import Column, Table, in_format
from signflow.evaluation.words import figure, span
from signflow.training import TrainConfig

from .made_up import write_run
from .test_published import REPEATED, TEN


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Two nets with two seeds each; early fusion is better."""
    made = []
    for net, right in (("early-fusion", 0.8), ("spatial", 0.2)):
        for seed in range(2):
            config = TrainConfig(**{**REPEATED.to_dict(), "model": net, "seed": seed})
            hits = [(7 * clip + seed) % 10 < 10 * right for clip in range(40)]
            path = tmp_path / "runs" / f"{net}_{seed}"
            write_run(path, config, correct={"val": hits, "test": hits}, classes=TEN, asked=45)
            made.append(path)
    return made


def rows_of(runs: list[Path], table: str) -> list[dict[str, str]]:
    text = report_tables(runs, form="csv", tables=[table])  # type: ignore[list-item]
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_holds_the_bare_figures_with_their_bounds(runs: list[Path]) -> None:
    best, other = rows_of(runs, "results")
    assert (best["net"], best["runs"], best["learning_rate"]) == ("early-fusion", "2", "1e-5")
    assert float(best["test_top1"]) == 0.8
    assert float(other["test_top1"]) == 0.2
    assert float(best["test_top1_low"]) < 0.8 < float(best["test_top1_high"])
    assert (best["test_clips"], best["test_clips_asked"]) == ("40", "45")
    results = [RunRecord.read(path).splits["test"] for path in runs[:2]]
    for name in ("loss", "macro_f1", "per_class_mean", "top5", "calibration_error"):
        values = [result.measured(name).value for result in results]  # type: ignore[union-attr]
        assert float(best[f"test_{name}"]) == pytest.approx(sum(values) / 2)  # type: ignore[arg-type]


def test_csv_of_the_differences_and_of_the_published_figures(runs: list[Path]) -> None:
    [pair] = rows_of(runs, "differences")
    assert (pair["first"], pair["second"]) == ("early-fusion", "spatial")
    assert float(pair["difference"]) == pytest.approx(0.6)
    assert float(pair["p_corrected"]) < 0.001
    published = rows_of(runs, "published")
    assert len(published) == 32
    ours = [row for row in published if row["test_top1"]]
    assert [(row["net"], row["published_test_top1"]) for row in ours] == [
        ("spatial", "0.163"),
        ("early-fusion", "0.3587"),
    ]


def test_the_tables_tell_the_figures_of_the_page(runs: list[Path], tmp_path: Path) -> None:
    text = report_tables(runs, form="markdown")
    page = write_report(runs, tmp_path / "report.html").read_text(encoding="utf-8")
    figures = re.findall(r"\d+\.\d \[[\d.–]+\]", text)
    assert len(figures) > 60
    for told in figures:
        value, bounds = re.fullmatch(r"([\d.]+) \[([\d.–]+)\]", told).groups()  # type: ignore[union-attr]
        assert told in page or f"<b>{value}\N{NO-BREAK SPACE}%</b> <small>{bounds}</small>" in page


def test_markdown_tables_have_cells_for_every_column(runs: list[Path]) -> None:
    text = report_tables(runs, form="markdown")
    blocks = [block.splitlines() for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)]
    assert [len(block) for block in blocks] == [4, 18, 18, 3]
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block}) == 1


def awkward() -> Table:
    return Table(
        title="50 % & more",
        columns=(Column(name="name", title="Name"), Column(name="n", title="n_1")),
        rows=((r"a_b|c*\{x}~<1>", 3), ("–", None)),
        note="#1",
    )


def test_names_are_escaped() -> None:
    assert r"| a\_b\|c\*\\{x}~\<1> | 3 |" in in_format([awkward()], "markdown")
    latex = in_format([awkward()], "latex")
    assert (
        r"a\_b|c*\textbackslash{}\{x\}\textasciitilde{}\textless{}1\textgreater{} & 3 \\" in latex
    )
    assert r"\caption{50 \% \& more. \#1}" in latex
    assert r"Name & n\_1 \\" in latex
    assert r"-- & -- \\" in latex


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_tables_can_be_set(runs: list[Path], tmp_path: Path) -> None:
    body = report_tables(runs, form="latex") + in_format([awkward()], "latex")
    (tmp_path / "t.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}" + body + "\\end{document}"
    )
    subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path,
        check=True,
        timeout=60,
        capture_output=True,
    )


def test_csv_refuses_several_tables(runs: list[Path]) -> None:
    with pytest.raises(UserError, match="--format csv: holds one table; give one of --table"):
        report_tables(runs, form="csv")


def test_figures_are_told_alike_everywhere(runs: list[Path]) -> None:
    top1 = RunRecord.read(runs[0]).splits["test"].top1
    assert figure(top1, percent=True) == f"80.0 [{span(top1)}]"
