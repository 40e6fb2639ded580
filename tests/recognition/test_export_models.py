"""Every model of the registry becomes a file with PyTorch's scores, or is refused in words."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from signflow.errors import UserError
from signflow.models import ModelOptions, Shape, create_model, list_models, model_choices
from signflow.models.temporal import Temporal
from signflow.recognition.fold import folded
from signflow.recognition.onnx_file import OnnxModel, Scorer, input_shapes, write_onnx
from signflow.store import Recipe
from signflow.training import Batch, Calibration

SMALL = Recipe(frames=4, image_size=32)
SHAPE = Shape(classes=5, frames=SMALL.frames, image_size=SMALL.image_size)

# Their own sizes cannot be made small.
HEAVY = ("mc3-18", "mvit-v2-s", "r2plus1d-18", "s3d", "swin3d-t", "videomae")

patient = pytest.mark.skipif(
    not os.environ.get("SIGNFLOW_SLOW"),
    reason="writing this net as ONNX takes half a minute or minutes; SIGNFLOW_SLOW=1 does it",
)
MARKS = {name: [pytest.mark.slow, *([patient] if name != "mc3-18" else [])] for name in HEAVY}


def batch_of(scorer: Scorer, clips: int) -> Batch:
    random = np.random.default_rng(clips)
    given = {
        name: torch.from_numpy(random.integers(0, 256, (clips, *shape), dtype=np.uint8))
        for name, shape in input_shapes(scorer.model.inputs, SMALL).items()
    }
    return Batch(
        rgb=given.get("rgb"),
        flow=given.get("flow"),
        labels=torch.zeros(clips, dtype=torch.int64),
        clip_ids=("",) * clips,
    )


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=MARKS.get(name, ())) for name in list_models()]
)
def test_a_models_file_gives_its_scores_for_batches_of_any_size(name: str, tmp_path: Path):
    can_be_small = "encoder" in model_choices(name) and name not in HEAVY
    torch.manual_seed(0)
    model = create_model(
        name,
        shape=SHAPE,
        options=ModelOptions(encoder="timm/test_resnet" if can_be_small else None),
    ).eval()
    calibration = Calibration(
        temperature=1.5, stream_weights=(0.3, 0.7) if model.streams == 2 else None
    )
    exact = Scorer(model, calibration)
    path = tmp_path / "model.onnx"

    write_onnx(Scorer(folded(model), calibration), path, recipe=SMALL, metadata={}, name=name)

    written = OnnxModel(path)
    for clips in (1, 3):
        batch = batch_of(exact, clips)
        np.testing.assert_allclose(written.scores(batch), exact.scores(batch), atol=1e-5)


class Counting(Temporal):
    """Counts its clips in Python, where PyTorch's exporter does not see that they vary."""

    def forward(self, rgb: Tensor | None = None, flow: Tensor | None = None) -> Tensor:
        assert flow is not None
        return super().forward(rgb=rgb, flow=flow) * flow.new_ones(len(flow), 1, 1).float()


def test_a_model_that_can_be_written_for_one_size_of_batch_only_is_refused(tmp_path: Path):
    scorer = Scorer(Counting(SHAPE).eval(), Calibration())

    with pytest.raises(UserError, match=r"^counting: PyTorch .* for batches of any size"):
        write_onnx(scorer, tmp_path / "model.onnx", recipe=SMALL, metadata={}, name="counting")
    assert not list(tmp_path.iterdir())
