from pathlib import Path

import pytest
from synth_help import SMALL

from signflow.synth import render_set


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small set, rendered once."""
    out = tmp_path_factory.mktemp("synth") / "set"
    render_set(out, SMALL, workers=1)
    return out
