"""`signflow spot RUN VIDEO`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from rich.markup import escape
from rich.table import Table
from tyro.conf import OmitArgPrefixes, Positional, UseAppendAction

from signflow.annotations import Box
from signflow.cli.parse import parse
from signflow.errors import UserError
from signflow.progress import console, console_err, progress_bar
from signflow.recognition import (
    Recognizer,
    SpotOptions,
    Timeline,
    check_timeline_path,
    spot_video,
    write_timeline,
)
from signflow.store import box_is_inside
from signflow.video import VideoFault, probe


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Find the signs of a long video: when each begins and ends, which it is, how sure that is.

    Attributes:
        run: a run directory, or a model.safetensors.
        video: a video file, or a folder of numbered images.
        out: where the timeline is written, as the suffix says: .json, .csv, .vtt (subtitles), .eaf
            (ELAN) or .png (a picture); may be given several times.
        box: where the signer is: y0 x0 y1 x1, shares of the picture's height and width. Only a run
            on a store with --crop box looks at it.
        frame_rate: images per second of a folder.
        device: auto, cpu or cuda.
        options: how signs are found.
    """

    run: Positional[Path]
    video: Positional[Path]
    out: Annotated[tuple[Path, ...], UseAppendAction] = ()
    box: Box | None = None
    frame_rate: float = 25.0
    device: str = "auto"
    options: OmitArgPrefixes[SpotOptions] = field(default_factory=SpotOptions)

    def __post_init__(self) -> None:
        if self.box is not None and not box_is_inside(self.box):
            given = " ".join(f"{side:g}" for side in self.box)
            raise ValueError(f"--box {given}: must be y0 x0 y1 x1, 0 <= y0 < y1 <= 1, x likewise")
        if not 0 < self.frame_rate < float("inf"):
            raise ValueError(f"--frame-rate {self.frame_rate}: must be above 0")


def run(words: Sequence[str]) -> None:
    """Print the timeline and write it."""
    asked = parse(Spot, words, command="spot")
    for path in asked.out:
        check_timeline_path(path)
    recognizer = Recognizer.load(asked.run, device=asked.device)
    try:
        timeline = _watch(asked, recognizer)
    except VideoFault as fault:
        raise UserError(str(fault), exit_status=1) from None
    for path in asked.out:
        write_timeline(path, timeline)
    console.print(_table(timeline))
    if timeline.cut_off is not None:
        console_err.print(f"[yellow]{escape(timeline.cut_off)}[/]", soft_wrap=True)


def _watch(asked: Spot, recognizer: Recognizer) -> Timeline:
    seconds = None if asked.video.is_dir() else probe(asked.video).duration
    with progress_bar() as progress:
        task = progress.add_task(
            "Seconds", total=None if seconds is None else int(seconds), note=""
        )
        return spot_video(
            recognizer,
            asked.video,
            options=asked.options,
            box=asked.box,
            frame_rate=asked.frame_rate,
            on_frame=lambda time: progress.update(task, completed=int(time)),
        )


def _table(timeline: Timeline) -> Table:
    sure = sum(sign.sure for sign in timeline.signs)
    table = Table(
        title=f"{len(timeline.signs)} signs in {timeline.seconds:.1f} s, {sure} of them sure",
        title_justify="left",
    )
    for name in ("start", "stop", "sign", "guesses"):
        table.add_column(name, justify="right" if name in ("start", "stop") else "left")
    for sign in timeline.signs:
        guesses = [f"{escape(guess.gloss)} {guess.score:.1%}" for guess in sign.predictions[:3]]
        table.add_row(
            f"{sign.start:.2f}",
            f"{sign.stop:.2f}",
            "[yellow]not sure[/]" if sign.gloss is None else f"[bold]{escape(sign.gloss)}[/]",
            ", ".join(guesses),
        )
    return table
