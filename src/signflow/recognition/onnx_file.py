"""One ONNX file from a store's bytes to calibrated scores, and its use by onnxruntime."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import signflow
from signflow.errors import UserError
from signflow.models import Inputs, SignModel
from signflow.store import Recipe
from signflow.training import Batch
from signflow.training.calibration import Calibration

OUTPUT = "scores"
"""Name of the model's one output, float32 (batch, classes)."""

LARGEST = 2**31 - 2**20
"""Bytes of weights that fit into one ONNX file: protobuf ends at 2 GB."""


class Scorer(nn.Module):
    """What is exported: bytes in, calibrated scores (B, C) out.

    Args:
        model: in evaluation mode.
        calibration: how its logits become scores.
    """

    def __init__(self, model: SignModel, calibration: Calibration) -> None:
        super().__init__()
        self.model = model
        self.calibration = calibration
        self.eval()

    def forward(self, rgb: Tensor | None = None, flow: Tensor | None = None) -> Tensor:
        """Scores, float32 (B, C), each row summing to 1, of what a `SignModel` takes."""
        return self.calibration.apply(self.model(rgb=rgb, flow=flow))

    def scores(self, batch: Batch) -> NDArray[np.float32]:
        """The scores of a batch on the CPU, float32 (B, C)."""
        with torch.inference_mode():
            found: NDArray[np.float32] = self(rgb=batch.rgb, flow=batch.flow).numpy()
        return found


class OnnxModel:
    """An exported model, opened by onnxruntime on the CPU.

    Example:
        >>> OnnxModel(Path("model.onnx")).scores(as_batch([sample], inputs=inputs)).shape
        (1, 10)
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    def scores(self, batch: Batch) -> NDArray[np.float32]:
        """The scores of a batch, float32 (B, C)."""
        (found,) = self._session.run([OUTPUT], arrays_of(batch))
        scores: NDArray[np.float32] = found
        return scores


def check_libraries() -> None:
    """Make sure that a model can be exported.

    Raises:
        UserError: a library is not installed.
    """
    try:
        for name in ("onnx", "onnxruntime", "onnxscript"):
            import_module(name)
    except ImportError as error:
        raise UserError(
            f"export needs {error.name}, which is not installed: pip install 'signflow[export]'"
        ) from None


def arrays_of(batch: Batch) -> dict[str, NDArray[np.uint8]]:
    """What a batch gives the exported model, by the names of its inputs."""
    given = {"rgb": batch.rgb, "flow": batch.flow}
    return {name: each.numpy() for name, each in given.items() if each is not None}


def write_onnx(
    scorer: Scorer, path: Path, *, recipe: Recipe, metadata: Mapping[str, str], name: str
) -> None:
    """Write a model as one ONNX file, with a batch of any size.

    Args:
        scorer: what is exported.
        path: the file.
        recipe: gives the sizes of the inputs.
        metadata: becomes the file's `metadata_props`.
        name: of the model, for messages.

    Raises:
        UserError: the model is too large for one file, or holds what ONNX cannot say, or only for
            batches of one size.
    """
    size = sum(each.nbytes for each in (*scorer.parameters(), *scorer.buffers()))
    if size > LARGEST:
        raise UserError(
            f"{name}: its weights are {size / 1e9:.1f} GB, but one ONNX file holds"
            f" {LARGEST / 1e9:.1f} GB; export it without --no-fold, or with a smaller image size"
        )
    example = {
        key: torch.zeros((2, *shape), dtype=torch.uint8)
        for key, shape in input_shapes(scorer.model.inputs, recipe).items()
    }
    some = torch.export.Dim("batch")
    try:
        with _quiet():
            program = torch.onnx.export(
                scorer,
                kwargs=example,
                input_names=list(example),
                output_names=[OUTPUT],
                dynamic_shapes={key: {0: some} for key in example},
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise UserError(
            f"{name}: holds what PyTorch {torch.__version__} cannot write as ONNX ({reason});"
            " export a run of another model",
            exit_status=1,
        ) from None
    assert program is not None
    # Where a model counts its clips in Python, PyTorch falls back to the example's number of them.
    shapes = [each.shape for each in program.model.graph.inputs]
    if any(shape is not None and isinstance(shape[0], int) for shape in shapes):
        raise UserError(
            f"{name}: PyTorch {torch.__version__} cannot write it for batches of any size; export a"
            " run of another model",
            exit_status=1,
        )
    program.model.producer_name = "signflow"
    program.model.producer_version = signflow.__version__
    program.model.metadata_props.update(metadata)
    program.save(path, external_data=False)


def input_shapes(inputs: Inputs, recipe: Recipe) -> dict[str, tuple[int, ...]]:
    """Shapes of the inputs without their first axis, the batch, by name."""
    sides = (recipe.image_size, recipe.image_size)
    shapes: dict[str, tuple[int, ...]] = {}
    if inputs.rgb is not None:
        shapes["rgb"] = (1 if inputs.rgb == "middle" else recipe.frames, *sides, 3)
    if inputs.flow:
        shapes["flow"] = (recipe.frames - 1, *sides, 2)
    return shapes


def describe_inputs(inputs: Inputs, recipe: Recipe) -> dict[str, dict[str, Any]]:
    """What the inputs are, as JSON values: for the file's metadata and its card."""
    words = {
        "rgb": f"the kept frame number {recipe.frames // 2}, counted from 0"
        if inputs.rgb == "middle"
        else "all kept frames",
        "flow": "optical flow from each kept frame to the next, x then y; 128 is no motion,"
        f" 1 and 255 are -{recipe.bound:g} and +{recipe.bound:g} pixels",
    }
    return {
        name: {
            "shape": ["batch", *shape],
            "type": "uint8",
            "means": words[name] + (", RGB" if name == "rgb" else ""),
        }
        for name, shape in input_shapes(inputs, recipe).items()
    }


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress and its notes on its own insides off the terminal."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
