"""Optical flow: how far every point moves from one picture to the next.

A method is a frozen dataclass of its parameters, registered under a name:

    @register_flow("farneback")
    @dataclass(frozen=True)
    class Farneback: ...
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from signflow.errors import UserError
from signflow.watchdog import sign_of_life


class FlowMethod(Protocol):
    """What every flow method offers; its fields are its parameters."""

    name: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def between(
        self, previous_grey: NDArray[np.uint8], next_grey: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Flow from one grey picture (H, W) to the next: (H, W, 2), x then y, in pixels.

        What moves to the right has positive x, what moves down positive y.
        """


@runtime_checkable
class SequenceFlow(Protocol):
    """What a flow method may offer besides: less work where each picture is looked at twice."""

    def along(self, greys: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
        """Yield what `between` gives for each two neighbours of grey pictures (H, W)."""


_METHODS: dict[str, type[FlowMethod]] = {}
_Method = TypeVar("_Method", bound=FlowMethod)


def register_flow(name: str) -> Callable[[type[_Method]], type[_Method]]:
    """Register a flow method, a frozen dataclass, under `name`, which becomes its attribute.

    Raises:
        ValueError: the name is taken.
    """

    def register(method: type[_Method]) -> type[_Method]:
        if name in _METHODS:
            raise ValueError(f"flow method {name!r} is registered already")
        method.name = name
        _METHODS[name] = method
        return method

    return register


def flow_methods() -> list[str]:
    """The names of all flow methods, sorted."""
    return sorted(_METHODS)


def create_flow(name: str, /, **parameters: Any) -> FlowMethod:
    """Make a flow method by name.

    Args:
        name: one of `flow_methods()`.
        **parameters: those of the method; what is left out keeps its default.

    Raises:
        UserError: unknown method, unknown parameter, or a value that is not allowed.

    Example:
        >>> create_flow("farneback", winsize=15).winsize
        15
    """
    if name not in _METHODS:
        known = ", ".join(flow_methods())
        raise UserError(f"flow method {name!r} is not known; choose one of: {known}")
    method = _METHODS[name]
    allowed = [field.name for field in fields(method)]
    for parameter in parameters:
        if parameter not in allowed:
            raise UserError(
                f"flow method {name!r} has no parameter {parameter!r}; it has: {', '.join(allowed)}"
            )
    try:
        return method(**parameters)
    except ValueError as error:
        raise UserError(f"flow method {name!r}: {error}") from None


def flow_to_dict(method: FlowMethod) -> dict[str, Any]:
    """A flow method as JSON: its name under "method", then every parameter."""
    return {"method": method.name} | {
        field.name: getattr(method, field.name) for field in fields(method)
    }


def flow_from_dict(values: Mapping[str, Any]) -> FlowMethod:
    """The inverse of `flow_to_dict`.

    Raises:
        UserError: "method" is missing or unknown, or a parameter is unknown or not allowed.
    """
    parameters = dict(values)
    if not isinstance(name := parameters.pop("method", None), str):
        known = ", ".join(flow_methods())
        raise UserError(f"flow: 'method' is {name!r}, but must be one of: {known}")
    return create_flow(name, **parameters)


def compute_flow(frames: NDArray[np.uint8], *, method: FlowMethod) -> NDArray[np.float32]:
    """Flow between neighbouring frames, as grey (0.299 R + 0.587 G + 0.114 B).

    Args:
        frames: (T, H, W, 3), RGB, T at least 2.
        method: how to compute it.

    Returns:
        (T - 1, H, W, 2), x then y, in pixels of `frames`; positive to the right and down.

    Raises:
        ValueError: frames of another shape or type, or too small for the method.

    Example:
        >>> compute_flow(np.zeros((10, 64, 64, 3), np.uint8), method=Farneback()).shape
        (9, 64, 64, 2)
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or len(frames) < 2:
        raise ValueError(
            f"frames are {frames.dtype} {frames.shape}, but must be uint8 (T, H, W, 3), T >= 2"
        )
    greys = [cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY) for frame in frames]
    flow = np.empty((len(greys) - 1, *greys[0].shape, 2), dtype=np.float32)
    sign_of_life()
    try:
        for pair, found in enumerate(_along(greys, method)):
            flow[pair] = found
            sign_of_life()
    except cv2.error as error:
        height, width = greys[0].shape
        raise ValueError(
            f"flow method {method.name!r} cannot work on frames of {height} x {width} pixels:"
            f" {error.err}"
        ) from None
    return flow


def _along(greys: Sequence[NDArray[np.uint8]], method: FlowMethod) -> Iterator[NDArray[np.float32]]:
    if isinstance(method, SequenceFlow):
        yield from method.along(greys)
    else:
        yield from (method.between(before, after) for before, after in pairwise(greys))


@register_flow("farneback")
@dataclass(frozen=True)
class Farneback:
    """Polynomial expansion (Farnebäck 2003), as in OpenCV; the defaults are the report's.

    Attributes:
        pyr_scale: size of a pyramid level relative to the one below, above 0 and below 1.
        levels: pyramid levels with the picture itself, from 1.
        winsize: side of the averaging window in pixels, from 1; larger is smoother.
        iterations: at each level, from 1.
        poly_n: side of the neighbourhood that a polynomial is fitted to, in pixels: 5 or 7.
        poly_sigma: standard deviation, in pixels, of the weights of that fit, above 0.
        gaussian_window: average by a Gaussian window instead of a box.
    """

    name: ClassVar[str]

    pyr_scale: float = 0.5
    levels: int = 5
    winsize: int = 11
    iterations: int = 5
    poly_n: int = 5
    poly_sigma: float = 1.1
    gaussian_window: bool = False

    def __post_init__(self) -> None:
        _check_number("pyr_scale", self.pyr_scale, above=0, below=1)
        for name in ("levels", "winsize", "iterations"):
            _check_whole(name, getattr(self, name), least=1)
        if self.poly_n not in (5, 7):
            raise ValueError(f"poly_n is {self.poly_n!r}, but must be 5 or 7")
        _check_number("poly_sigma", self.poly_sigma, above=0)
        _check_switch("gaussian_window", self.gaussian_window)

    def between(
        self, previous_grey: NDArray[np.uint8], next_grey: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """See `FlowMethod.between`."""
        flow: NDArray[np.float32] = cv2.calcOpticalFlowFarneback(
            previous_grey,
            next_grey,
            None,
            pyr_scale=self.pyr_scale,
            levels=self.levels,
            winsize=self.winsize,
            iterations=self.iterations,
            poly_n=self.poly_n,
            poly_sigma=self.poly_sigma,
            flags=cv2.OPTFLOW_FARNEBACK_GAUSSIAN if self.gaussian_window else 0,
        )
        return flow


DisPreset = Literal["ultrafast", "fast", "medium"]

_DIS_PRESETS: dict[DisPreset, int] = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}


@register_flow("dis")
@dataclass(frozen=True)
class Dis:
    """Dense inverse search (Kroeger et al. 2016), as in OpenCV. None means: as the preset has it.

    Attributes:
        preset: ultrafast, fast or medium, from quick to exact.
        finest_scale: pyramid level that the flow is computed at; 0 is the picture itself.
        coarsest_scale: pyramid level to begin with, from 0 (OpenCV adapts it to the picture).
        patch_size: side of a patch in pixels, from 1.
        patch_stride: distance between patches in pixels, from 1.
        gradient_descent_iterations: to match a patch, from 1.
        variational_refinement_iterations: at each level, from 0 (no refinement).
        variational_refinement_alpha: weight of smoothness, from 0.
        variational_refinement_delta: weight of constant colour, from 0.
        variational_refinement_gamma: weight of constant gradient, from 0.
        variational_refinement_epsilon: regularises the robust penalty, above 0.
        use_mean_normalization: compare patches without their mean, against changes of light.
        use_spatial_propagation: try neighbouring patches' flow as a start.
    """

    name: ClassVar[str]

    preset: DisPreset = "medium"
    finest_scale: int | None = None
    coarsest_scale: int | None = None
    patch_size: int | None = None
    patch_stride: int | None = None
    gradient_descent_iterations: int | None = None
    variational_refinement_iterations: int | None = None
    variational_refinement_alpha: float | None = None
    variational_refinement_delta: float | None = None
    variational_refinement_gamma: float | None = None
    variational_refinement_epsilon: float | None = None
    use_mean_normalization: bool | None = None
    use_spatial_propagation: bool | None = None

    def __post_init__(self) -> None:
        if self.preset not in get_args(DisPreset):
            allowed = ", ".join(get_args(DisPreset))
            raise ValueError(f"preset is {self.preset!r}, but must be one of: {allowed}")
        given = self._given()
        for name in ("finest_scale", "coarsest_scale", "variational_refinement_iterations"):
            _check_whole(name, given.get(name, 0), least=0)
        for name in ("patch_size", "patch_stride", "gradient_descent_iterations"):
            _check_whole(name, given.get(name, 1), least=1)
        for name in ("alpha", "delta", "gamma"):
            name = f"variational_refinement_{name}"
            _check_number(name, given.get(name, 0.0), least=0)
        name = "variational_refinement_epsilon"
        _check_number(name, given.get(name, 1.0), above=0)
        for name in ("use_mean_normalization", "use_spatial_propagation"):
            _check_switch(name, given.get(name, True))

    def between(
        self, previous_grey: NDArray[np.uint8], next_grey: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """See `FlowMethod.between`."""
        search = cv2.DISOpticalFlow.create(_DIS_PRESETS[self.preset])
        for name, value in self._given().items():
            setter = "set" + name.title().replace("_", "")
            getattr(search, setter)(value)
        flow: NDArray[np.float32] = search.calc(previous_grey, next_grey, None)
        return flow

    def _given(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: v for k, v in values.items() if k != "preset" and v is not None}


def _check_whole(name: str, value: Any, *, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} is {value!r}, but must be a whole number from {least} on")


def _check_number(
    name: str,
    value: Any,
    *,
    least: float | None = None,
    above: float | None = None,
    below: float = float("inf"),
) -> None:
    lower = f"above {above}" if least is None else f"at least {least}"
    upper = "" if below == float("inf") else f" and below {below}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_allowed = is_number and (value >= least if least is not None else value > (above or 0))
    if not (is_allowed and value < below):
        raise ValueError(f"{name} is {value!r}, but must be a number {lower}{upper}")


def _check_switch(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}, but must be true or false")
