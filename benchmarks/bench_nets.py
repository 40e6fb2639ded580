"""Stage Nets: what 16 bits, and a pixel's channels side by side, do for a step of other nets."""

from collections.abc import Callable
from pathlib import Path

import torch
from side_by_side import table, take_turns
from torch.nn.functional import cross_entropy
from torch.nn.utils import convert_conv2d_weight_memory_format

from signflow.models import ModelOptions, Shape, SignModel, create_model
from signflow.training.environment import keep_large_blocks

TITLE = "Nets that see pictures one by one"
SHAPE = Shape(classes=10, frames=16, image_size=64)
BATCH_SIZE = 8
NETS = {
    "compact": ("compact", ModelOptions()),
    "tsm, resnet18": ("tsm", ModelOptions(encoder="resnet18", inputs="flow")),
    "tsn, mobilenet_v3_small": ("tsn", ModelOptions(encoder="mobilenet_v3_small")),
    "tsn, efficientnet_b0": ("tsn", ModelOptions(encoder="efficientnet_b0")),
}


def measure(data: Path, *, quick: bool) -> str:
    """The stage's part of the page."""
    torch.set_num_threads(1)
    keep_large_blocks()
    rows = []
    for title, (name, options) in NETS.items():
        as_made = create_model(name, shape=SHAPE, options=options)
        side_by_side = create_model(name, shape=SHAPE, options=options)
        convert_conv2d_weight_memory_format(side_by_side, torch.channels_last)
        turns = take_turns(
            {
                "as made": _step(as_made),
                "fp32": _step(side_by_side),
                "bf16": _step(side_by_side, bf16=True),
            },
            rounds=2 if quick else 5,
        )
        rows.append(
            [
                title,
                *(f"{turns.median(way):.2f}" for way in turns.seconds),
                f"{turns.ratio('as made', 'fp32'):.2f}",
                f"{turns.ratio('as made', 'bf16'):.2f}",
            ]
        )
    return "\n\n".join(
        [
            f"Forwards and backwards through {BATCH_SIZE} clips of {SHAPE.frames} pictures of"
            f" {SHAPE.image_size} x {SHAPE.image_size}, one thread, processor seconds. As made:"
            " weights as PyTorch lays them out; fp32 and bf16: a pixel's channels side by side, as"
            " `signflow train` has them.",
            table(["net", "as made", "fp32", "bf16", "fp32: x", "bf16: x"], rows),
        ]
    )


def _step(net: SignModel, *, bf16: bool = False) -> Callable[[], None]:
    side = SHAPE.image_size
    rgb = torch.randint(256, (BATCH_SIZE, SHAPE.frames, side, side, 3), dtype=torch.uint8)
    flow = torch.randint(256, (BATCH_SIZE, SHAPE.frames - 1, side, side, 2), dtype=torch.uint8)
    labels = torch.arange(BATCH_SIZE) % SHAPE.classes

    def step() -> None:
        net.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = net(rgb=rgb, flow=flow)
        cross_entropy(logits[:, 0].float(), labels).backward()

    return step
