"""`signflow predict RUN VIDEO...`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table
from tyro.conf import Positional

from signflow.cli.parse import parse
from signflow.errors import UserError
from signflow.progress import console
from signflow.recognition import Recognizer
from signflow.video import VideoFault


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Say which sign each video shows: the likeliest first, with their scores.

    Attributes:
        run: a run directory.
        videos: video files, each of one sign.
        top: how many guesses.
        device: auto, cpu or cuda.
    """

    run: Positional[Path]
    videos: Positional[tuple[Path, ...]]
    top: int = 3
    device: str = "auto"


def run(words: Sequence[str]) -> None:
    """Print a row per video; one that cannot be had gives its reason, and the others go on."""
    asked = parse(Predict, words, command="predict")
    if not asked.videos:
        raise UserError("predict: no video given; signflow predict RUN VIDEO...")
    recognizer = Recognizer.load(asked.run, device=asked.device)
    table = Table()
    table.add_column("video")
    table.add_column("signs")
    recognised = 0
    for video in asked.videos:
        try:
            guesses = recognizer.predict(video, top=asked.top)
        except VideoFault as fault:
            table.add_row(escape(str(video)), f"[red]{escape(str(fault))}[/]")
            continue
        recognised += 1
        ranked = [f"{escape(guess.gloss)} {guess.score:.1%}" for guess in guesses]
        table.add_row(escape(str(video)), ", ".join(ranked))
    console.print(table)
    if not recognised:
        raise UserError("no video could be read; the reasons stand above", exit_status=1)
