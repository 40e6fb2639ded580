"""Stage Start: what a command takes before its work begins, beside what PyTorch alone takes."""

import tempfile
from pathlib import Path

from side_by_side import Turns, spent, spent_by_signflow, table

TITLE = "Starting"
ALONE = "PyTorch imported"
LEARNING = "PyTorch imported, a step of Adam"
STEP = """
import torch
weight = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.Adam([weight])
weight.sum().backward()
optimizer.step()
"""


def measure(data: Path, *, quick: bool) -> str:
    """The stage's part of the page; needs no data but what it renders."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = _seconds(Path(folder), rounds=2 if quick else 5)
    turns = Turns(seconds)
    rows = [
        [
            what,
            f"{turns.median(what):.2f}",
            f"{turns.ratio(what, ALONE):.2f}",
            turns.raw(what, unit=1.0),
        ]
        for what in seconds
    ]
    return "\n\n".join(
        [
            "Processor seconds of whole commands, from start to end, all files in the system's"
            " cache. The training is of 18 rendered clips, the video one of them.",
            table(["what", "s", "x PyTorch imported", "all rounds (s)"], rows),
            "**The limit.** What needs a net waits for PyTorch to be imported, and what trains for"
            " what PyTorch loads with its first optimiser, as every script does. The rest is the"
            " command's own.",
        ]
    )


def _seconds(place: Path, *, rounds: int) -> dict[str, list[float]]:
    data, store = place / "set", place / "store"
    spent_by_signflow("synth", data, "--train", 18, "--val", 3, "--test", 3)
    spent_by_signflow("build", data, "--videos", data / "videos", "--out", store)
    found: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for what, words in _commands(place, number).items():
            took, _ = spent(*words)
            if number:  # the first round fills the system's cache
                found.setdefault(what, []).append(took)
    return found


def _commands(place: Path, number: int) -> dict[str, list[object]]:
    """Arguments of Python, by what they do."""
    run = place / f"run-{number}"
    video = min((place / "set" / "videos").iterdir())
    cpu = ("--device", "cpu")
    words: dict[str, list[object]] = {
        "build --help": ["build", "--help"],
        "report --help": ["report", "--help"],
        "train --help": ["train", "--help"],
        "train, one epoch": ["train", place / "store", *cpu, "--epochs", 1, "--out", run],
        "predict --help": ["predict", "--help"],
        "predict, one video": ["predict", run, video, *cpu],
    }
    plain: dict[str, list[object]] = {ALONE: ["-c", "import torch"], LEARNING: ["-c", STEP]}
    return plain | {what: ["-m", "signflow.cli.main", *each] for what, each in words.items()}
