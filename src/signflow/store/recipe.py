"""How a clip becomes arrays."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, Literal, get_args

from tyro.conf import Fixed, Suppress

from signflow.errors import UserError
from signflow.store.encodings import ENCODINGS, Encoding
from signflow.video import (
    DEFAULT_FLOW_BOUND,
    Camera,
    Dis,
    Farneback,
    Fit,
    FlowMethod,
    flow_from_dict,
    flow_to_dict,
    sample_centre,
    sample_even,
    sample_floor,
    sample_segments,
)

Protocol = Literal["standard", "report"]
Crop = Literal["full", "box"]
Sampling = Literal["floor", "even", "centre", "segments"]
_SAMPLINGS: dict[str, Callable[[int, int], list[int]]] = {
    "floor": sample_floor,
    "even": sample_even,
    "centre": sample_centre,
    "segments": sample_segments,
}

MEASURED_AT = 224
"""Image size, in pixels, at which the default bound of the flow was measured."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a clip becomes arrays. The same clips and recipe give the same bytes.

    The defaults are those of the report (`docs/report.md`): ten frames at `k * floor(n / 10)`,
    224 x 224, Farneback flow between neighbours. What `signflow build` begins with is
    `RECIPES["standard"]`.

    Attributes:
        frames: frames kept per clip, 2 or more; flow is computed between neighbours.
        image_size: height and width of the kept frames in pixels, 8 to 1024.
        sampling: which frames of a clip: every n-th from its first on (floor), from its first to
            its last (even), the middles of equal parts (centre), or those however short the clip
            is (segments): with fewer frames than parts a frame stands for several.
        fps: keep frames at this rate, per second, from around the clip's middle, instead of by
            sampling; in a clip too short for it its first and last frame are repeated.
        crop: keep the full picture, or cut out the annotated box, widened to a square; a clip
            without a box keeps the full picture.
        crop_margin: share of the box's longer side that is added on every side of it, 0 to 2.
        fit: how what is no square becomes one: squash it, or letterbox it, with black beside it.
        flow: the flow method with its parameters.
        camera: the camera's own motion: keep it in the flow, or subtract each pair's mean flow, its
            median, or what a homography says of a turning camera.
        flow_bound: largest motion that is stored, in pixels of the kept frames. None: 64 at 224
            pixels, in proportion at other sizes; `docs/flow.md` says how that was measured.
        encoding: how frames and flow lie in the store: raw; zstd or png, smaller and exact; jpeg,
            smallest and nearly exact. `docs/store.md` has the figures.
        jpeg_quality: 1 to 100; only where encoding is jpeg.
        keep_flow: keep the flow in the store. Without it a store is smaller, and flow is computed
            from the kept frames by whoever looks at it; meant for training with `--flow online`.
    """

    frames: int = 10
    image_size: int = 224
    sampling: Sampling = "floor"
    fps: float | None = None
    crop: Crop = "full"
    crop_margin: float = 0.1
    fit: Fit = "squash"
    # On the command line `--flow` and `--flow-options` make it, not an option of its own.
    flow: Annotated[FlowMethod, Fixed, Suppress] = field(default_factory=Farneback)
    camera: Camera = "keep"
    flow_bound: float | None = None
    encoding: Encoding = "raw"
    jpeg_quality: int = 95
    keep_flow: bool = True

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ValueError: naming the value and what is allowed.
        """
        if not 2 <= self.frames <= 1000:
            raise ValueError(f"frames is {self.frames}; must be 2 to 1000")
        if not 8 <= self.image_size <= 1024:
            raise ValueError(f"image_size is {self.image_size}; must be 8 to 1024 pixels")
        if not 0 < self.bound <= 1024:
            raise ValueError(f"flow_bound is {self.bound}; must be above 0, up to 1024 pixels")
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise ValueError(f"fps is {self.fps}; must be above 0, up to 1000 per second")
        if self.fps is not None and self.sampling != "floor":
            raise ValueError(f"sampling is {self.sampling}; with fps there is nothing to choose")
        if not 0 <= self.crop_margin <= 2:
            raise ValueError(f"crop_margin is {self.crop_margin}; must be 0 to 2")
        if not 1 <= self.jpeg_quality <= 100:
            raise ValueError(f"jpeg_quality is {self.jpeg_quality}; must be 1 to 100")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; must be one of {allowed}")

    @property
    def bound(self) -> float:
        """The largest motion that is stored, in pixels of the kept frames."""
        if self.flow_bound is None:
            return DEFAULT_FLOW_BOUND * self.image_size / MEASURED_AT
        return self.flow_bound

    def choose(self, n: int, count: int) -> list[int]:
        """The positions to keep of a clip's `n` frames, by `sampling`."""
        return _SAMPLINGS[self.sampling](n, count)

    @property
    def fewest(self) -> int | None:
        """How many frames a clip must have; None: as many as are kept, or 2 at a rate."""
        return 2 if self.sampling == "segments" and self.fps is None else None

    @property
    def sample_bytes(self) -> int:
        """Size of one sample's arrays, in bytes."""
        area = self.image_size**2
        return self.frames * area * 3 + self.keep_flow * (self.frames - 1) * area * 2

    def to_dict(self) -> dict[str, Any]:
        """As JSON values.

        What came after the first stores is named only where it is not the default: so the recipe of
        an older store, and its fingerprint, stay what they are.
        """
        later = {
            name: getattr(self, name)
            for name, default in _LATER.items()
            if getattr(self, name) != default
        }
        return later | {
            "frames": self.frames,
            "image_size": self.image_size,
            "flow": flow_to_dict(self.flow),
            "flow_bound": self.bound,
        }

    def to_options(self) -> dict[str, Any]:
        """Every option of `signflow build` that makes the recipe, and its flow's own, by name."""
        flow = flow_to_dict(self.flow)
        options = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.bound == replace(self, flow_bound=None).bound:
            options["flow_bound"] = None
        return options | {"flow": flow.pop("method")} | flow

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """The recipe that `to_dict` wrote.

        Raises:
            UserError: a field is missing, unknown, or holds what it must not.
        """
        try:
            return cls(**{**values, "flow": flow_from_dict(values["flow"])})
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"recipe {values}: {error}") from None


_CHOICES: dict[str, tuple[str, ...]] = {
    "sampling": get_args(Sampling),
    "crop": get_args(Crop),
    "fit": get_args(Fit),
    "camera": get_args(Camera),
    "encoding": ENCODINGS,
}
_FIRST = {"frames", "image_size", "flow", "flow_bound"}
_LATER = {field.name: field.default for field in fields(Recipe) if field.name not in _FIRST}


RECIPES: dict[Protocol, Recipe] = {
    "report": Recipe(),
    "standard": Recipe(frames=16, image_size=112, sampling="segments", flow=Dis(finest_scale=0)),
}
"""The report's, and what was found to recognise most (`docs/results.md`).

In pictures that small the presets of DIS, whose finest scale is half their size, lose hands.
"""


def fingerprint(value: Any) -> str:
    """A short name of JSON values: 16 hexadecimal digits of the SHA-256 of their canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
