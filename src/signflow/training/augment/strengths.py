"""How strongly batches are augmented."""

import math
from dataclasses import dataclass, fields
from typing import Literal

AugmentPreset = Literal["none", "light", "standard"]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Strengths of augmentation; 0 or False switches one off, and all are off by default.

    Attributes:
        scale: clips grow or shrink by up to this share; 0.2 is 1 / 1.2 to 1.2 times.
        aspect: width against height changes by up to this share, likewise.
        shift: clips move by up to this share of width and height.
        rotation: clips turn by up to so many degrees, either way.
        flip: half of the clips are mirrored, left for right.
        speed: signs are up to this share faster or slower, 0.2 is 1 / 1.2 to 1.2 times.
        temporal_crop: up to this share of a clip's time is cut off, and the rest stretched.
        jitter: every frame is taken up to so many frames earlier or later, below 0.5.
        frame_drop: share of the frames that are lost, so that the one before stays.
        brightness: frames are up to this share brighter or darker.
        contrast: their contrast is up to this share higher or lower.
        saturation: of their colours, likewise.
        hue: their hues turn by up to this share of the circle, either way.
        noise: highest standard deviation of noise in the frames, in bytes; in the flow, an eighth.
        erase_still: share of the clips whose frames lose what stands still throughout.
        mixup: parameter of the Beta distribution by which two clips are blended; 0: never.
        cutmix: likewise, where a rectangle of one clip is put into another.
    """

    scale: float = 0.0
    aspect: float = 0.0
    shift: float = 0.0
    rotation: float = 0.0
    flip: bool = False
    speed: float = 0.0
    temporal_crop: float = 0.0
    jitter: float = 0.0
    frame_drop: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    noise: float = 0.0
    erase_still: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ValueError: naming the value and what is allowed.
        """
        for name, most, included in _RANGES:
            value = getattr(self, name)
            low_enough = value <= most if included else value < most
            if not (value >= 0 and low_enough and math.isfinite(value)):
                upper = "" if most == math.inf else f", {'up to' if included else 'below'} {most:g}"
                raise ValueError(f"{name} is {value}; must be 0 or more{upper}")

    @property
    def off(self) -> bool:
        """Whether it leaves batches as they are."""
        return self == Augmentation()

    @property
    def moves(self) -> bool:
        """Whether it changes where things are."""
        return bool(self.scale or self.aspect or self.shift or self.rotation or self.flip)

    @property
    def retimes(self) -> bool:
        """Whether it changes when things happen."""
        return bool(self.speed or self.temporal_crop or self.jitter or self.frame_drop)

    @property
    def recolours(self) -> bool:
        """Whether it changes colours."""
        return bool(self.brightness or self.contrast or self.saturation or self.hue)


_RANGES = (
    ("scale", 4.0, True),
    ("aspect", 4.0, True),
    ("shift", 1.0, True),
    ("rotation", 180.0, True),
    ("speed", 4.0, True),
    ("temporal_crop", 1.0, False),
    ("jitter", 0.5, False),
    ("frame_drop", 1.0, False),
    ("brightness", 1.0, True),
    ("contrast", 1.0, True),
    ("saturation", 1.0, True),
    ("hue", 0.5, True),
    ("noise", 128.0, True),
    ("erase_still", 1.0, True),
    ("mixup", math.inf, True),
    ("cutmix", math.inf, True),
)

STRENGTHS = tuple(field.name for field in fields(Augmentation))
"""The names of all strengths."""

PRESETS: dict[AugmentPreset, Augmentation] = {
    "none": Augmentation(),
    "light": Augmentation(
        scale=0.1,
        shift=0.05,
        rotation=5.0,
        speed=0.1,
        temporal_crop=0.1,
        brightness=0.2,
        contrast=0.2,
        saturation=0.2,
    ),
    "standard": Augmentation(
        scale=0.25,
        aspect=0.1,
        shift=0.15,
        rotation=15.0,
        speed=0.3,
        temporal_crop=0.15,
        brightness=0.3,
        contrast=0.3,
        saturation=0.3,
        hue=0.05,
    ),
}
