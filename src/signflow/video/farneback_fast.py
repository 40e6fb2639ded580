"""Farneback's method in a third or less of OpenCV's time, compiled by numba (`signflow[fast]`)."""

import math
import multiprocessing
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from signflow.compiled import has_numba
from signflow.progress import console_err
from signflow.video.flow import Farneback, register_flow

if TYPE_CHECKING:
    from signflow.video.farneback_kernels import Kernels

Floats = NDArray[np.float32]

SMALLEST = 16
"""Height and width from which on there is something to gain; smaller pictures OpenCV does."""

_LEAST_LEVEL = 32
"""Height and width, in pixels, that no level of the pyramid but the picture itself is below."""

_CACHE_LINE = 64
"""Bytes."""

_KEPT_PIXELS = 512 * 512
"""Up to this size a thread keeps its working memory, about 80 bytes a pixel, for the next time."""

_OUTSIDE = 1 << 24
"""The column of what lies beyond the width: no flow leads from there into the picture."""

_BORDER = np.array([0.14, 0.14, 0.4472, 0.4472, 0.4472], np.float32)
"""How much a pixel counts by its distance from the picture's end."""


@register_flow("farneback-fast")
@dataclass(frozen=True)
class FarnebackFast(Farneback):
    """`Farneback` with the same parameters, computed anew: the same flow but for rounding.

    Where numba is missing, and for pictures below 16 pixels, it is OpenCV's. The attributes are
    those of `Farneback`.

    Example:
        >>> still = np.zeros((64, 64), np.uint8)
        >>> float(np.abs(FarnebackFast().between(still, still)).max())
        0.0
    """

    name: ClassVar[str]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not has_numba():
            _say_that_numba_is_missing()

    def between(self, previous_grey: NDArray[np.uint8], next_grey: NDArray[np.uint8]) -> Floats:
        """See `FlowMethod.between`."""
        (flow,) = self.along([previous_grey, next_grey])
        return flow

    def along(self, greys: Sequence[NDArray[np.uint8]]) -> Iterator[Floats]:
        """See `SequenceFlow.along`: each picture is expanded once."""
        if not has_numba() or min(greys[0].shape) < SMALLEST or self.winsize < 2:
            yield from (super(FarnebackFast, self).between(*pair) for pair in pairwise(greys))
            return
        pyramid = _pyramid(self, greys[0].shape)
        for number, grey in enumerate(greys):
            picture = grey.astype(np.float32)
            for level in pyramid:
                level.expand(picture, number)
            if number:
                yield _from_coarse_to_fine(pyramid, number, 1 / self.pyr_scale)
        _keep(pyramid, self, greys[0].shape)


class _Level:
    """One level of the pyramid: its expansions of two pictures, its flow, and room to work in."""

    def __init__(
        self, parameters: Farneback, kernels: "Kernels", scale: float, height: int, width: int
    ) -> None:
        from signflow.video.farneback_kernels import GUARD, LANES, round_up

        self._kernels = kernels
        self._parameters = parameters
        self._sigma = (1 / scale - 1) / 2
        self._blur = max(round(self._sigma * 5) | 1, 3)
        self._fit = _Fit.of(parameters.poly_n, parameters.poly_sigma)
        self._window = _gaussian_window(parameters)
        self._size = height, width
        pitch = round_up(width)
        reach = parameters.winsize // 2
        self._border = _border_weights(width, pitch)
        self._columns = _zeros(pitch)
        self._columns[:width] = np.arange(width)
        self._columns[width:] = _OUTSIDE
        # What lies beyond the width is read and has no effect, but must be numbers.
        self._picture = _zeros(height, pitch)
        self._expansions = _zeros(2, 2 * GUARD + height * 5 * pitch)
        self._flow = _zeros(2, height, pitch)
        self._rows = _zeros(3 * (pitch + 2 * round_up(parameters.poly_n)))
        kept = parameters.iterations * 5 * pitch
        self._ring = _zeros((2 * reach + 2) * kept)
        self._sums = _zeros(kept, of=np.float64)
        length = pitch + 2 * round_up(reach) + LANES
        self._row = _zeros(5 * length + LANES + math.isqrt(parameters.winsize + 1))
        self._partial = _zeros(length)

    @property
    def flow(self) -> Floats:
        """(2, height, width): x, then y."""
        return self._flow[:, :, : self._size[1]]

    def expand(self, picture: Floats, number: int) -> None:
        """Take up the next picture, float32 of the full size."""
        height, width = self._size
        inside = self._picture[:, :width]
        if picture.shape == self._size:
            cv2.GaussianBlur(picture, (self._blur, self._blur), self._sigma, dst=inside)
        else:
            blurred = cv2.GaussianBlur(picture, (self._blur, self._blur), self._sigma)
            cv2.resize(blurred, (width, height), dst=inside)
        self._kernels.expand(
            self._picture.reshape(-1),
            width,
            height,
            self._parameters.poly_n,
            self._fit.weights,
            self._fit.inverse,
            self._rows,
            self._expansions[number % 2],
        )

    def start(self, coarse: Floats | None, factor: float) -> None:
        """Begin with the flow of the next coarser level, or with none."""
        if coarse is None:
            self._flow[:] = 0
            return
        height, width = self._size
        for finer, coarser in zip(self.flow, coarse * np.float32(factor), strict=True):
            cv2.resize(coarser, (width, height), dst=finer)

    def refine(self, number: int) -> None:
        """Bring the flow from the last picture but one to the last nearer to the truth."""
        height, width = self._size
        self._kernels.update_flow(
            self._expansions[(number - 1) % 2],
            self._expansions[number % 2],
            self._flow[0].reshape(-1),
            self._flow[1].reshape(-1),
            width,
            height,
            self._parameters.iterations,
            self._parameters.winsize,
            self._window,
            self._border,
            self._columns,
            self._ring,
            self._sums,
            self._row,
            self._partial,
        )


_threads_own = threading.local()


def _pyramid(parameters: Farneback, shape: tuple[int, ...]) -> "list[_Level]":
    """The levels, from the coarsest; small ones are kept for the thread's next sequence."""
    key = parameters, shape
    if getattr(_threads_own, "key", None) == key:
        kept: list[_Level] = _threads_own.pyramid
        # Two sequences gone through in turn would write over each other's flow.
        _threads_own.key = None
        return kept
    sizes = _level_sizes(shape, parameters=parameters)
    return [_Level(parameters, _kernels(), *size) for size in sizes]


def _keep(pyramid: "list[_Level]", parameters: Farneback, shape: tuple[int, ...]) -> None:
    if math.prod(shape) <= _KEPT_PIXELS:
        _threads_own.key, _threads_own.pyramid = (parameters, shape), pyramid


def _from_coarse_to_fine(pyramid: Sequence[_Level], number: int, factor: float) -> Floats:
    coarse = None
    for level in pyramid:
        level.start(coarse, factor)
        level.refine(number)
        coarse = level.flow
    flow: Floats = cv2.merge([*pyramid[-1].flow])
    return flow


def _level_sizes(
    shape: tuple[int, ...], *, parameters: Farneback
) -> Iterator[tuple[float, int, int]]:
    """(scale, height, width) of the levels that OpenCV works on, from the coarsest."""
    scales = [1.0]
    for _ in range(parameters.levels):
        scale = scales[-1] * parameters.pyr_scale
        if min(shape) * scale < _LEAST_LEVEL:
            break
        scales.append(scale)
    for scale in reversed(scales):
        yield scale, round(shape[0] * scale), round(shape[1] * scale)


@dataclass(frozen=True)
class _Fit:
    """What a polynomial is fitted with.

    Attributes:
        weights: (3, n + 1): the Gaussian from its middle on, times x, times x^2.
        inverse: of the normal equations: of x and y; of 1 with x^2; of x^2; of xy; then what a
            constant picture contributes to y^2 (of its value, of its bend) and to x^2, which
            would be nothing if the weights were not rounded.
    """

    weights: Floats
    inverse: NDArray[np.float64]

    @staticmethod
    @lru_cache(maxsize=16)
    def of(reach: int, sigma: float) -> "_Fit":
        """As OpenCV has it: weights rounded to float32, all else in float64."""
        if sigma < np.finfo(np.float32).eps:
            sigma = reach * 0.3
        x = np.arange(-reach, reach + 1)
        gaussian = np.exp(-x * x / (2 * sigma * sigma)).astype(np.float32)
        gaussian = (gaussian * (1 / gaussian.sum(dtype=np.float64))).astype(np.float32)
        weights = np.stack([gaussian, x * gaussian, x * x * gaussian]).astype(np.float32)

        plane = (gaussian[:, None] * gaussian).astype(np.float64)
        squares = plane * x**2
        normal = np.diag([plane.sum(), *[squares.sum()] * 2, *[(squares * x**2).sum()] * 2, 0.0])
        normal[5, 5] = normal[3, 4] = normal[4, 3] = (squares.T * x**2).sum()
        normal[0, 3:5] = normal[3:5, 0] = squares.sum()
        inverse = np.linalg.inv(normal)

        one, bend = weights[0].sum(dtype=np.float64), weights[2].sum(dtype=np.float64)
        constant, square = inverse[0, 3], inverse[3, 3]
        leftover = (one * constant, one * square, one * constant + bend * square)
        values = [inverse[1, 1], constant, square, inverse[5, 5], *leftover]
        return _Fit(np.ascontiguousarray(weights[:, reach:]), np.array(values))


def _gaussian_window(parameters: Farneback) -> Floats:
    """Weights from the middle on; none stand for a box."""
    if not parameters.gaussian_window:
        return np.zeros(0, np.float32)
    reach = parameters.winsize // 2
    x = np.arange(reach + 1)
    weights = np.exp(-x * x / (2 * (reach * 0.3) ** 2)).astype(np.float32)
    total = 1 + 2 * weights[1:].sum(dtype=np.float64)
    scaled: Floats = (weights * (1 / total)).astype(np.float32)
    return scaled


def _border_weights(width: int, pitch: int) -> Floats:
    weights = _zeros(pitch + len(_BORDER))
    weights[:] = 1
    weights[: len(_BORDER)] = _BORDER
    weights[width - len(_BORDER) : width] = _BORDER[::-1]
    weights[pitch:] = _BORDER
    return weights


def _zeros(*shape: int, of: type = np.float32) -> NDArray[Any]:
    """An array that begins where a line of the cache does: half the loads would cross two else."""
    size = math.prod(shape) * np.dtype(of).itemsize
    room = np.zeros(size + _CACHE_LINE, np.uint8)
    start = -room.ctypes.data % _CACHE_LINE
    return room[start : start + size].view(of).reshape(shape)


@lru_cache(maxsize=1)
def _kernels() -> "Kernels":
    from signflow.video.farneback_kernels import compile_kernels

    return compile_kernels()


@lru_cache(maxsize=1)
def _say_that_numba_is_missing() -> None:
    if multiprocessing.parent_process() is None:  # the workers' parent has said it
        console_err.print(
            "farneback-fast is slow without numba: pip install 'signflow[fast]'",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
