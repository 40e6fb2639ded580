import io
import shutil
from pathlib import Path

from rich.console import Console

from signflow.evaluation.summary import summary_table

from .conftest import MakeRun


def shown(runs: list[Path]) -> str:
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    console.print(summary_table(runs))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_each_run_has_a_row_with_its_interval_and_clips(make_run: MakeRun) -> None:
    text = shown([make_run("temporal"), make_run("spatial", splits=("val",))])
    [temporal] = [line for line in text.splitlines() if "temporal" in line]
    assert "12 of 13" in temporal
    assert temporal.count("[") == 2
    [spatial] = [line for line in text.splitlines() if "spatial" in line]
    assert spatial.count("[") == 1
    assert "–" in spatial


def test_settings_are_shown_where_runs_differ_in_them(make_run: MakeRun) -> None:
    alike = shown([make_run("temporal"), make_run("spatial")])
    assert "seed" not in alike
    seeds = shown([make_run("temporal", seed=seed) for seed in range(2)])
    assert "seed" in seeds
    assert "batch" not in seeds


def test_directories_are_named_where_nothing_else_tells_runs_apart(make_run: MakeRun) -> None:
    run = make_run()
    again = run.with_name("once more")
    shutil.copytree(run, again)
    assert "once more" in shown([run, again])
    assert "once more" not in shown([again, make_run(seed=1)])


def test_no_runs_give_an_empty_table() -> None:
    assert summary_table([]).row_count == 0
