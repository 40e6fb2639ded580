"""The examples do what they say."""

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_repeated_runs_are_trained_once_and_reported_together(
    square_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    words = [square_store, "--folds", "0", "3", "--seeds", "2", "--nets", "temporal"]
    words += ["--epochs", "1", "--out", tmp_path / "runs", "--report", tmp_path / "report.html"]
    monkeypatch.setattr(sys, "argv", ["repeat_runs.py", *map(str, words)])

    runpy.run_path(str(EXAMPLES / "repeat_runs.py"), run_name="__main__")
    trained = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/model.safetensors")}
    runpy.run_path(str(EXAMPLES / "repeat_runs.py"), run_name="__main__")

    assert sorted(path.parent.name for path in trained) == [
        "temporal-0-0",
        "temporal-0-1",
        "temporal-3-0",
        "temporal-3-1",
    ]
    assert all(path.stat().st_mtime_ns == then for path, then in trained.items())
    assert "temporal" in (tmp_path / "report.html").read_text(encoding="utf-8")
