"""Nobody waits at the start of a command for a library that the command may not need."""

import subprocess
import sys

import pytest

from signflow.cli.main import COMMANDS

SOMETIMES = (
    *("gradio", "matplotlib", "numba", "onnxruntime", "pandas", "sklearn", "timm"),
    *("scipy.optimize", "scipy.stats", "torch._dynamo", "torchvision"),
)
WITHOUT_PYTORCH = ("audit", "build", "download", "synth")


@pytest.mark.parametrize(
    ("commands", "unwanted"),
    [(WITHOUT_PYTORCH, ("torch", *SOMETIMES)), (tuple(COMMANDS), SOMETIMES)],
    ids=["without PyTorch", "all"],
)
def test_commands_load_what_they_need_sometimes_only_then(
    commands: tuple[str, ...], unwanted: tuple[str, ...]
):
    imports = "; ".join(f"import signflow.cli.{command}" for command in commands)
    code = f"import sys; {imports}; print(*(m for m in {unwanted} if m in sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
