"""An exported model in 8 bits: smaller, on many processors faster, and not quite the same."""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signflow.recognition.onnx_file import arrays_of
from signflow.training import Batch

CALIBRATION_CLIPS = 64
"""Training clips whose activations give the ranges of the 8-bit numbers, at most."""

_WORTH_IT = ["Conv", "Gemm", "MatMul"]
"""What is computed in 8 bits; the rest takes little time, and loses most."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How the 8-bit model's scores compare with the 32-bit one's.

    Attributes:
        clips: how many were compared.
        top1: share of them for which both name the same sign first, 0 to 1.
        difference: the largest difference of two scores.
    """

    clips: int
    top1: float
    difference: float


def compare(exact: NDArray[np.float32], close: NDArray[np.float32]) -> Agreement:
    """Compare scores (clips, classes) of the same clips.

    Example:
        >>> compare(np.array([[0.6, 0.4]]), np.array([[0.5, 0.5]])).top1
        1.0
    """
    same = exact.argmax(axis=1) == close.argmax(axis=1)
    return Agreement(
        clips=len(exact),
        top1=float(same.mean()),
        difference=float(np.abs(exact - close).max()),
    )


def quantise(path: Path, out: Path, *, batches: Iterable[Batch]) -> None:
    """Write an exported model's 8-bit form.

    Weights are rounded channel by channel; the ranges of the activations are those that the batches
    show (static quantisation). Seven bits of the weights' eight are used, since processors without
    VNNI add up two products in 16 bits, which would overflow.

    Args:
        path: the 32-bit model.
        out: the file to write; the metadata is not carried over, see `add_metadata`.
        batches: of training clips.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    with _quiet():
        quantize_static(
            path,
            out,
            _reader(batches),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_WORTH_IT,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def add_metadata(path: Path, metadata: Mapping[str, str]) -> None:
    """Set the metadata of an ONNX file, in place."""
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.save(model, path)


def _reader(batches: Iterable[Batch]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(batches)

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            batch = next(self._left, None)
            return None if batch is None else arrays_of(batch)

    return Reader()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the quantiser's advice, which goes to the root logger, off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
