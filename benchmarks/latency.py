"""How long from a video file to an answer, and how much of it is the net? On two CPU cores.

    python benchmarks/latency.py            # writes the table in docs/export.md
    python benchmarks/latency.py --quick    # few rounds, nothing is written: a look, not a result

renders some videos of 640 x 480 and exports nets as `signflow export` does, each with the recipe
of the protocol that it was made for. Weights are fresh from the seed: they decide what is answered,
not how long it takes. The forms of a net take turns, so that whatever else the machine does meets
all of them. In the stream each frame's time is the median over the rounds.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import tyro
from flow_bound import write_between_markers
from numpy.typing import NDArray

from signflow.annotations import Clip, ReadOptions, read_clips
from signflow.models import Inputs, create_model
from signflow.progress import console
from signflow.recognition import PROVISIONAL_AFTER, Recognizer
from signflow.recognition.fold import folded, weight_bytes
from signflow.recognition.forms import Scores, interleaved_medians
from signflow.recognition.int8 import quantise
from signflow.recognition.onnx_file import OnnxModel, Scorer, write_onnx
from signflow.recognition.stream import Spotter
from signflow.store import RECIPES, Recipe, Sample
from signflow.training import Batch, TrainedModel, as_batch, default_config, protocol_of
from signflow.training.weights import model_shape
from signflow.video import Span, VideoFault, compute_flow, decode_spans, read_frames

PAGE = Path(__file__).parents[1] / "docs" / "export.md"
CLASSES = 10
STREAM_SECONDS = 10.0
STREAM_SHARE = 3
"""Every third round also goes through the stream."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table: bytes and median seconds.

    Attributes:
        net: the model.
        form: what became of it.
        size: in bytes.
        net_seconds: from a clip's bytes to its scores.
        seconds: from the video file to the answer.
        frame_seconds: float64 (frames,), of each frame of the stream.
        provisional_seconds: after a sign has come to rest in the stream, until it is said
            provisionally, the longest; NaN where no sign was.
        answer_seconds: likewise, until it is said for good.
    """

    net: str
    form: str
    size: int
    net_seconds: float
    seconds: float
    frame_seconds: NDArray[np.float64]
    provisional_seconds: float
    answer_seconds: float

    def __str__(self) -> str:
        usual, most = np.median(self.frame_seconds), self.frame_seconds.max()
        figures = [self.size / 1e6, self.net_seconds * 1e3, self.seconds * 1e3]
        figures += [usual * 1e3, most * 1e3]
        figures += [self.provisional_seconds * 1e3, self.answer_seconds * 1e3]
        return f"| {self.net} | {self.form} | {' | '.join(f'{each:.1f}' for each in figures)} |"


class FormRecognizer(Recognizer):
    """A recogniser that takes its scores from some form of its net."""

    def __init__(self, trained: TrainedModel, scores: Scores) -> None:
        super().__init__(trained)
        self._scores, self._inputs = scores, trained.model.inputs

    def scores(self, samples: Sequence[Sample]) -> NDArray[np.float32]:
        """See `Recognizer.scores`."""
        return self._scores(as_batch(samples, inputs=self._inputs))


def main(
    *,
    nets: tuple[str, ...] = ("early-fusion", default_config().model),
    image_size: int | None = None,
    cores: int = 2,
    rounds: int = 15,
    quick: bool = False,
    write: bool = True,
) -> None:
    """Measure, and write the table between the page's markers.

    Args:
        nets: registered models.
        image_size: in pixels; None: as each recipe has it.
        cores: threads of PyTorch and of onnxruntime.
        rounds: how often every form is timed.
        quick: time every form three times, and write nothing.
        write: whether the table goes into docs/export.md.
    """
    rounds = 3 if quick else rounds
    torch.set_num_threads(cores)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    rows: list[Row] = []
    looks: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        clips = render(Path(folder))
        frames = stream_of(clips[0])
        for net in dict.fromkeys(nets):
            recipe = RECIPES[protocol_of(net)]
            recipe = replace(recipe, image_size=image_size or recipe.image_size)
            looks.append(describe_looking(net, clips[0], recipe, rounds=rounds))
            rows += measure(net, recipe, clips, frames, work=Path(folder), rounds=rounds)
    text = "\n".join(
        [
            f"Rendered video of 640 x 480, {CLASSES} signs, {cores} threads, fresh weights; medians"
            f" of {rounds} rounds, in turns. The stream has {len(frames)} frames. Meanwhile"
            f" {os.getloadavg()[1]:.0f} processes wanted to run (load average, 5 minutes).",
            *looks,
            "",
            "| net | form | MB | bytes to scores (ms) | file to answer (ms) |"
            " frame of the stream (ms) | slowest frame (ms) |"
            " from a sign's end to the provisional answer, at most (ms) | to the final one (ms) |",
            "|---|---|---:|---:|---:|---:|---:|---:|---:|",
            *map(str, rows),
        ]
    )
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    if write and not quick:
        write_between_markers(PAGE, text)


def render(work: Path) -> list[Clip]:
    """Some clips, those of the video with most of them first."""
    asked = ("synth", work / "set", "--train", 6, "--val", 1, "--test", 1)
    size = ("--width", 640, "--height", 480)
    command = [sys.executable, "-m", "signflow.cli.main", *map(str, (*asked, *size))]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    clips = read_clips(work / "set", options=ReadOptions(videos=work / "set" / "videos")).clips
    sources = [clip.source for clip in clips]
    return sorted(clips, key=lambda clip: (-sources.count(clip.source), clip.start or 0.0))


def stream_of(clip: Clip) -> list[tuple[float, NDArray[np.uint8]]]:
    """The first ten seconds of a clip's video, decoded."""
    frames = []
    for moment, picture in read_frames(clip.source, size=None):
        if moment > STREAM_SECONDS:
            break
        frames.append((moment, picture))
    return frames


def describe_looking(net: str, clip: Clip, recipe: Recipe, *, rounds: int) -> str:
    """What a net is given, and how long it takes to make that of a file."""
    parts = parts_of_looking(clip, recipe, rounds=rounds)
    side = recipe.image_size
    return (
        f"{net} sees {recipe.frames} frames of {side} x {side} and the flow between them"
        f" ({recipe.flow.name}): of the way from the file, decoding takes"
        f" {parts['decode'] * 1e3:.0f} ms and the flow {parts['flow'] * 1e3:.0f} ms."
    )


def parts_of_looking(clip: Clip, recipe: Recipe, *, rounds: int) -> dict[str, float]:
    """Seconds of decoding a clip and of the flow between its kept frames."""

    def decode() -> NDArray[np.uint8]:
        ((_, span),) = decode_spans(
            clip.source,
            spans=[Span(clip.start, clip.end)],
            count=recipe.frames,
            choose=recipe.choose,
            fewest=recipe.fewest,
            size=(recipe.image_size, recipe.image_size),
        )
        if isinstance(span, VideoFault):
            raise span
        return span.frames

    frames = decode()

    def flow() -> object:
        return compute_flow(frames, method=recipe.flow)

    return interleaved_medians({"decode": decode, "flow": flow}, rounds=rounds)


def measure(
    net: str,
    recipe: Recipe,
    clips: Sequence[Clip],
    frames: Sequence[tuple[float, NDArray[np.uint8]]],
    *,
    work: Path,
    rounds: int,
) -> list[Row]:
    """All forms of one net."""
    torch.manual_seed(0)
    classes = tuple(f"sign {number}" for number in range(CLASSES))
    model = create_model(net, shape=model_shape(recipe, classes)).eval()
    trained = TrainedModel(model=model, recipe=recipe, classes=classes)
    small = replace(trained, model=folded(model))
    exported, in_int8 = work / f"{net}.onnx", work / f"{net}.int8.onnx"
    scorer = Scorer(small.model, small.calibration)
    write_onnx(scorer, exported, recipe=recipe, metadata={}, name=net)
    batches = [_batch(Recognizer(trained), clip, model.inputs) for clip in clips]
    quantise(exported, in_int8, batches=batches)
    forms: dict[str, tuple[int, Scores]] = {
        "PyTorch, as trained": (weight_bytes(model), trained.scores),
        "PyTorch, folded": (weight_bytes(small.model), small.scores),
        "ONNX, folded": (exported.stat().st_size, OnnxModel(exported).scores),
        "ONNX, folded, int8": (in_int8.stat().st_size, OnnxModel(in_int8).scores),
    }
    recognizers = {form: FormRecognizer(trained, scores) for form, (_, scores) in forms.items()}
    of_net = interleaved_medians(
        {form: partial(scores, batches[0]) for form, (_, scores) in forms.items()}, rounds=rounds
    )
    whole = interleaved_medians(
        {form: partial(_predict, each, clips[0]) for form, each in recognizers.items()},
        rounds=rounds,
    )
    streams = [
        {form: _stream(each, frames) for form, each in recognizers.items()}
        for _ in range(max(1, rounds // STREAM_SHARE))
    ]
    return [
        Row(
            net=net,
            form=form,
            size=size,
            net_seconds=of_net[form],
            seconds=whole[form],
            frame_seconds=np.median([stream[form][0] for stream in streams], axis=0),
            provisional_seconds=float(np.median([stream[form][1] for stream in streams])),
            answer_seconds=float(np.median([stream[form][2] for stream in streams])),
        )
        for form, (size, _) in forms.items()
    ]


def _batch(recognizer: Recognizer, clip: Clip, inputs: Inputs) -> Batch:
    sample = recognizer.sample(Path(clip.source), start=clip.start, end=clip.end)
    return as_batch([sample], inputs=inputs)


def _predict(recognizer: Recognizer, clip: Clip) -> object:
    return recognizer.predict(Path(clip.source), start=clip.start, end=clip.end)


def _stream(
    recognizer: Recognizer, frames: Sequence[tuple[float, NDArray[np.uint8]]]
) -> tuple[NDArray[np.float64], float, float]:
    """Seconds that each frame takes, and the longest from a sign's end until it is said: at first,
    where that was confirmed, and for good. NaN: no sign was.

    Frames come at the pace of the video; the time until a sign is said is that of the stream up to
    the frame that brought it, and what that frame took.
    """
    spotter = Spotter(recognizer, provisional_after=PROVISIONAL_AFTER)
    seconds: list[float] = []
    said: dict[tuple[float, float], float] = {}
    first, final = [], []
    for moment, frame in frames:
        started = time.perf_counter()
        found = spotter.push(frame, moment)
        seconds.append(time.perf_counter() - started)
        sign = spotter.provisional
        if sign is not None:
            said.setdefault((sign.start, sign.stop), moment - sign.stop + seconds[-1])
        for sign in found:
            final.append(moment - sign.stop + seconds[-1])
            first.append(said.get((sign.start, sign.stop), final[-1]))
    return np.array(seconds), max(first, default=np.nan), max(final, default=np.nan)


if __name__ == "__main__":
    tyro.cli(main)
