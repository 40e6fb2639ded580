"""How long from a video file to an answer, and how much of it is the net? On two CPU cores.

    python benchmarks/latency.py

renders some videos of 640 x 480, exports nets as `signflow export` does, and writes the table in
docs/export.md. Weights are fresh from the seed: they decide what is answered, not how long it
takes. The forms of a net take turns, so that whatever else the machine does meets all of them.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import tyro
from flow_bound import write_between_markers

from signflow.models import create_model
from signflow.progress import console
from signflow.recognition import Recognizer
from signflow.recognition.fold import folded, weight_bytes
from signflow.recognition.forms import Scores, interleaved_medians
from signflow.recognition.int8 import quantise
from signflow.recognition.onnx_file import OnnxModel, Scorer, write_onnx
from signflow.store import Recipe, Sample
from signflow.training import TrainConfig, TrainedModel, as_batch
from signflow.training.weights import model_shape
from signflow.video import Span, compute_flow, decode_spans

PAGE = Path(__file__).parents[1] / "docs" / "export.md"
CLASSES = 10


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table: bytes and median seconds."""

    net: str
    form: str
    size: int
    net_seconds: float
    seconds: float


def main(
    *,
    nets: tuple[str, ...] = ("early-fusion", TrainConfig().model),
    image_size: int = 224,
    cores: int = 2,
    rounds: int = 15,
    write: bool = True,
) -> None:
    """Measure, and write the table between the page's markers.

    Args:
        nets: registered models.
        image_size: of the recipe, in pixels.
        cores: threads of PyTorch and of onnxruntime.
        rounds: how often every form is timed.
        write: whether the table goes into docs/export.md.
    """
    torch.set_num_threads(cores)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    recipe = Recipe(image_size=image_size)
    with tempfile.TemporaryDirectory() as folder:
        videos = render(Path(folder))
        parts = parts_of_looking(videos[0], recipe, rounds=rounds)
        rows = [
            row
            for net in dict.fromkeys(nets)
            for row in measure(net, recipe, videos, work=Path(folder), rounds=rounds)
        ]
    text = "\n".join(
        [
            f"A rendered video of 640 x 480, 10 frames of {image_size} x {image_size}, {CLASSES}"
            f" signs, {cores} threads, fresh weights; medians of {rounds} rounds, in turns.",
            f"Meanwhile {os.getloadavg()[1]:.0f} processes wanted to run (load average, 5 minutes).",
            f"Decoding the video took {parts['decode'] * 1e3:.0f} ms, the flow"
            f" {parts['flow'] * 1e3:.0f} ms.",
            "",
            "| net | form | MB | a clip's bytes to scores (ms) | video file to answer (ms) |",
            "|---|---|---:|---:|---:|",
            *(
                f"| {row.net} | {row.form} | {row.size / 1e6:.1f} | {row.net_seconds * 1e3:.1f} |"
                f" {row.seconds * 1e3:.0f} |"
                for row in rows
            ),
        ]
    )
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    if write:
        write_between_markers(PAGE, text)


def render(work: Path) -> list[Path]:
    """A few videos of one sign each."""
    asked = ("synth", work / "set", "--train", 4, "--val", 1, "--test", 1)
    size = ("--width", 640, "--height", 480)
    command = [sys.executable, "-m", "signflow.cli.main", *map(str, (*asked, *size))]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return sorted((work / "set" / "videos").iterdir())


def parts_of_looking(video: Path, recipe: Recipe, *, rounds: int) -> dict[str, float]:
    """Seconds of decoding a video and of the flow between its kept frames."""

    def decode() -> object:
        sides = (recipe.image_size, recipe.image_size)
        ((_, span),) = decode_spans(video, spans=[Span()], count=recipe.frames, size=sides)
        return span

    frames = decode().frames  # type: ignore[attr-defined]
    flow: Callable[[], object] = lambda: compute_flow(frames, method=recipe.flow)  # noqa: E731
    return interleaved_medians({"decode": decode, "flow": flow}, rounds=rounds)


def measure(net: str, recipe: Recipe, videos: list[Path], *, work: Path, rounds: int) -> list[Row]:
    """All forms of one net."""
    torch.manual_seed(0)
    classes = tuple(f"sign {number}" for number in range(CLASSES))
    model = create_model(net, shape=model_shape(recipe, classes)).eval()
    trained = TrainedModel(model=model, recipe=recipe, classes=classes)
    recognizer = Recognizer(trained)
    samples = [recognizer.sample(video) for video in videos]
    batches = [as_batch([sample], inputs=model.inputs) for sample in samples]

    small = replace(trained, model=folded(model))
    exported, in_int8 = work / f"{net}.onnx", work / f"{net}.int8.onnx"
    scorer = Scorer(small.model, small.calibration)
    write_onnx(scorer, exported, recipe=recipe, metadata={}, name=net)
    quantise(exported, in_int8, batches=batches)
    forms: dict[str, tuple[int, Scores]] = {
        "PyTorch, as trained": (weight_bytes(model), trained.scores),
        "PyTorch, folded": (weight_bytes(small.model), small.scores),
        "ONNX, folded": (exported.stat().st_size, OnnxModel(exported).scores),
        "ONNX, folded, int8": (in_int8.stat().st_size, OnnxModel(in_int8).scores),
    }

    def answer(scores: Scores) -> Callable[[], object]:
        def call() -> object:
            sample: Sample = recognizer.sample(videos[0])
            return scores(as_batch([sample], inputs=model.inputs)).argmax()

        return call

    of_net = interleaved_medians(
        {form: lambda scores=scores: scores(batches[0]) for form, (_, scores) in forms.items()},
        rounds=rounds,
    )
    whole = interleaved_medians(
        {form: answer(scores) for form, (_, scores) in forms.items()}, rounds=rounds
    )
    return [
        Row(net=net, form=form, size=size, net_seconds=of_net[form], seconds=whole[form])
        for form, (size, _) in forms.items()
    ]


if __name__ == "__main__":
    tyro.cli(main)
