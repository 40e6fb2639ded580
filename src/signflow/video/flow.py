"""Optical flow: how far every point moves from one picture to the next.

A method is a frozen dataclass of its parameters, registered under a name:

    @register_flow("farneback")
    @dataclass(frozen=True)
    class Farneback: ...
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Protocol,
    TypeVar,
    runtime_checkable,
)

import cv2
import numpy as np
from numpy.typing import NDArray

from signflow.errors import UserError
from signflow.video.camera import Camera, remove_camera
from signflow.watchdog import sign_of_life

if TYPE_CHECKING:
    from torch import Tensor


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
class ColourFlow(Protocol):
    """What a flow method offers that looks at colours."""

    def between_colours(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Flow between neighbours of (T, H, W, 3), RGB: (T - 1, H, W, 2), as `between` has it."""


@runtime_checkable
class PreparedFlow(Protocol):
    """What a flow method offers that cannot work everywhere."""

    def prepare(self, *, height: int, width: int) -> None:
        """Make ready for frames of this size; raise a UserError where that is impossible."""


@runtime_checkable
class DeviceFlow(Protocol):
    """What a flow method offers that has a form in PyTorch."""

    def on_device(self, frames: "Tensor") -> "Tensor":
        """Flow between neighbours of (B, T, H, W, 3), RGB, 0 to 255, uint8 or float32.

        Returns:
            float32 (B, T - 1, H, W, 2) on the device of `frames`, as `between` has it.
        """


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


def device_flow_methods() -> list[str]:
    """The names of the flow methods that have a form in PyTorch, sorted."""
    return [name for name in flow_methods() if hasattr(_METHODS[name], "on_device")]


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


def prepare_flow(method: FlowMethod, *, height: int, width: int) -> None:
    """Find out before long work whether a method can do it, and fetch what it needs.

    Args:
        method: how flow will be computed.
        height: of the frames, in pixels.
        width: of the frames, in pixels.

    Raises:
        UserError: it cannot: frames of this size are too small, or its weights cannot be had.
    """
    if isinstance(method, PreparedFlow):
        method.prepare(height=height, width=width)


def compute_flow(
    frames: NDArray[np.uint8], *, method: FlowMethod, camera: Camera = "keep"
) -> NDArray[np.float32]:
    """Flow between neighbouring frames, as grey (0.299 R + 0.587 G + 0.114 B).

    A method that looks at colours (`ColourFlow`) is given them.

    Args:
        frames: (T, H, W, 3), RGB, T at least 2.
        method: how to compute it.
        camera: what becomes of the camera's own motion; see `remove_camera`.

    Returns:
        (T - 1, H, W, 2), x then y, in pixels of `frames`; positive to the right and down.

    Raises:
        ValueError: frames of another shape or type, or too small for the method.
        UserError: the method's weights cannot be had.

    Example:
        >>> compute_flow(np.zeros((10, 64, 64, 3), np.uint8), method=Farneback()).shape
        (9, 64, 64, 2)
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or len(frames) < 2:
        raise ValueError(
            f"frames are {frames.dtype} {frames.shape}, but must be uint8 (T, H, W, 3), T >= 2"
        )
    if isinstance(method, ColourFlow):
        return remove_camera(method.between_colours(frames), camera=camera)
    greys = [cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY) for frame in frames]
    flow = np.empty((len(greys) - 1, *greys[0].shape, 2), dtype=np.float32)
    for pair in range(len(flow)):
        sign_of_life()
        try:
            flow[pair] = method.between(greys[pair], greys[pair + 1])
        except cv2.error as error:
            height, width = greys[0].shape
            raise ValueError(
                f"flow method {method.name!r} cannot work on frames of {height} x {width} pixels:"
                f" {error.err}"
            ) from None
    return remove_camera(flow, camera=camera)


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
        check_number("pyr_scale", self.pyr_scale, above=0, below=1)
        for name in ("levels", "winsize", "iterations"):
            check_whole(name, getattr(self, name), least=1)
        if self.poly_n not in (5, 7):
            raise ValueError(f"poly_n is {self.poly_n!r}, but must be 5 or 7")
        check_number("poly_sigma", self.poly_sigma, above=0)
        check_switch("gaussian_window", self.gaussian_window)

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

    def on_device(self, frames: "Tensor") -> "Tensor":
        """See `DeviceFlow.on_device`."""
        from signflow.video.farneback_torch import farneback_flow
        from signflow.video.tensors import grey_of

        return farneback_flow(grey_of(frames), method=self)


def check_whole(name: str, value: Any, *, least: int) -> None:
    """Raise a ValueError where a parameter is no whole number from `least` on."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} is {value!r}, but must be a whole number from {least} on")


def check_number(
    name: str,
    value: Any,
    *,
    least: float | None = None,
    above: float | None = None,
    below: float = float("inf"),
) -> None:
    """Raise a ValueError where a parameter is no number within its limits."""
    lower = f"above {above}" if least is None else f"at least {least}"
    upper = "" if below == float("inf") else f" and below {below}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_allowed = is_number and (value >= least if least is not None else value > (above or 0))
    if not (is_allowed and value < below):
        raise ValueError(f"{name} is {value!r}, but must be a number {lower}{upper}")


def check_switch(name: str, value: Any) -> None:
    """Raise a ValueError where a parameter is neither true nor false."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}, but must be true or false")
