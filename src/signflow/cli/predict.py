"""`signflow predict RUN VIDEO...`."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table
from tyro.conf import Positional

from signflow.annotations import Box
from signflow.cli.parse import parse
from signflow.errors import UserError
from signflow.progress import console
from signflow.recognition import Prediction, Recognizer
from signflow.store import box_is_inside
from signflow.video import Span, VideoFault


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Say which sign each video shows: the likeliest first, with their scores.

    Where the best score lies below the threshold that was chosen on validation, the answer is "not
    sure"; the guesses stand beside it.

    Attributes:
        run: a run directory, or a model.safetensors.
        videos: video files or folders of numbered images, each of one sign.
        top: how many guesses.
        json: a line of JSON for each video, instead of a table.
        start: seconds from each video's first frame; the sign begins there.
        end: likewise; it ends there.
        box: where the signer is: y0 x0 y1 x1, shares of the picture's height and width. Only a run
            on a store with --crop box looks at it.
        frame_rate: images per second of folders.
        device: auto, cpu or cuda.
    """

    run: Positional[Path]
    videos: Positional[tuple[Path, ...]]
    top: int = 3
    json: bool = False
    start: float | None = None
    end: float | None = None
    box: Box | None = None
    frame_rate: float = 25.0
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.top < 1:
            raise ValueError(f"--top {self.top}: must be 1 or more")
        if (fault := Span(self.start, self.end).fault) is not None:
            raise ValueError(f"--start, --end: {fault}")
        if self.box is not None and not box_is_inside(self.box):
            given = " ".join(f"{side:g}" for side in self.box)
            raise ValueError(f"--box {given}: must be y0 x0 y1 x1, 0 <= y0 < y1 <= 1, x likewise")
        if not 0 < self.frame_rate < float("inf"):
            raise ValueError(f"--frame-rate {self.frame_rate}: must be above 0")


Answer = list[Prediction] | VideoFault


def run(words: Sequence[str]) -> None:
    """Print a row per video; one that cannot be had gives its reason, and the others go on."""
    asked = parse(Predict, words, command="predict")
    if not asked.videos:
        raise UserError("predict: no video given; signflow predict RUN VIDEO...")
    recognizer = Recognizer.load(asked.run, device=asked.device)
    answers = _answers(asked, recognizer)
    recognised = (
        _print_lines(answers, recognizer) if asked.json else _print_table(answers, recognizer)
    )
    if not recognised:
        raise UserError("no video could be read; the reasons stand above", exit_status=1)


def _answers(asked: Predict, recognizer: Recognizer) -> Iterator[tuple[Path, Answer]]:
    for video in asked.videos:
        try:
            yield (
                video,
                recognizer.predict(
                    video,
                    start=asked.start,
                    end=asked.end,
                    box=asked.box,
                    frame_rate=asked.frame_rate,
                    top=asked.top,
                ),
            )
        except VideoFault as fault:
            yield video, fault


def _print_lines(answers: Iterator[tuple[Path, Answer]], recognizer: Recognizer) -> int:
    """Print JSON, each line as soon as it is known; return how many videos were recognised."""
    recognised = 0
    for video, answer in answers:
        line: dict[str, object] = {"file": str(video)}
        if isinstance(answer, VideoFault):
            line |= {"error": str(answer), "code": answer.code}
        else:
            recognised += 1
            line |= {
                "sure": recognizer.is_sure(answer),
                "predictions": [asdict(prediction) for prediction in answer],
            }
        text = json.dumps(line, ensure_ascii=False)
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    return recognised


def _print_table(answers: Iterator[tuple[Path, Answer]], recognizer: Recognizer) -> int:
    """Print all videos as a table; return how many were recognised."""
    table = Table()
    for name in ("video", "sign", "guesses"):
        table.add_column(name)
    recognised = 0
    for video, answer in answers:
        if isinstance(answer, VideoFault):
            table.add_row(escape(str(video)), "", f"[red]{escape(str(answer))}[/]")
            continue
        recognised += 1
        sure = recognizer.is_sure(answer)
        ranked = [f"{escape(guess.gloss)} {guess.score:.1%}" for guess in answer]
        table.add_row(
            escape(str(video)),
            f"[bold]{escape(answer[0].gloss)}[/]" if sure else "[yellow]not sure[/]",
            ", ".join(ranked),
        )
    console.print(table)
    return recognised
