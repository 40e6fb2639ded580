"""Optical flow by dense inverse search."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from signflow.video.flow import check_number, check_switch, check_whole, register_flow

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
            check_whole(name, given.get(name, 0), least=0)
        for name in ("patch_size", "patch_stride", "gradient_descent_iterations"):
            check_whole(name, given.get(name, 1), least=1)
        for name in ("alpha", "delta", "gamma"):
            name = f"variational_refinement_{name}"
            check_number(name, given.get(name, 0.0), least=0)
        name = "variational_refinement_epsilon"
        check_number(name, given.get(name, 1.0), above=0)
        for name in ("use_mean_normalization", "use_spatial_propagation"):
            check_switch(name, given.get(name, True))

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
