"""A run that many tests of this room use."""

from pathlib import Path

import pytest
from squares import Signflow


@pytest.fixture(scope="session")
def late_run(
    square_store: Path, tmp_path_factory: pytest.TempPathFactory, signflow: Signflow
) -> Path:
    """Late fusion, trained for a moment on `square_store`, evaluated on validation only."""
    out = tmp_path_factory.mktemp("runs") / "late"
    words = ("--model", "late-fusion", "--batch-size", "8", "--lr", "1e-3", "--epochs", "2")
    signflow("train", square_store, *words, "--out", out)
    signflow("evaluate", out, "--split", "val")
    return out
