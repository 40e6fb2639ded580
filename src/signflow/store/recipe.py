"""How a clip becomes arrays."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Annotated, Any

from tyro.conf import Fixed, Suppress

from signflow.errors import UserError
from signflow.video import DEFAULT_FLOW_BOUND, Farneback, FlowMethod, flow_from_dict, flow_to_dict

MEASURED_AT = 224
"""Image size, in pixels, at which the default bound of the flow was measured."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a clip becomes arrays. The same clips and recipe give the same bytes.

    The defaults are those of the report (`docs/report.md`): ten frames at `k * floor(n / 10)`,
    224 x 224, Farneback flow between neighbours.

    Attributes:
        frames: frames kept per clip, 2 or more; flow is computed between neighbours.
        image_size: height and width of the kept frames in pixels, 8 to 1024. The picture is
            squashed to the square, as in the report.
        flow: the flow method with its parameters.
        flow_bound: largest motion that is stored, in pixels of the kept frames. None: 64 at 224
            pixels, in proportion at other sizes; `docs/flow.md` says how that was measured.
    """

    frames: int = 10
    image_size: int = 224
    # On the command line `--flow` and `--flow-options` make it, not an option of its own.
    flow: Annotated[FlowMethod, Fixed, Suppress] = field(default_factory=Farneback)
    flow_bound: float | None = None

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

    @property
    def bound(self) -> float:
        """The largest motion that is stored, in pixels of the kept frames."""
        if self.flow_bound is None:
            return DEFAULT_FLOW_BOUND * self.image_size / MEASURED_AT
        return self.flow_bound

    @property
    def sample_bytes(self) -> int:
        """Size of one sample, in bytes."""
        area = self.image_size**2
        return self.frames * area * 3 + (self.frames - 1) * area * 2

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "frames": self.frames,
            "image_size": self.image_size,
            "flow": flow_to_dict(self.flow),
            "flow_bound": self.bound,
        }

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


def fingerprint(value: Any) -> str:
    """A short name of JSON values: 16 hexadecimal digits of the SHA-256 of their canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
