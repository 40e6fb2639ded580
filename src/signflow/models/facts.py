"""What is known about weights that were learnt elsewhere."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class WeightFacts:
    """Facts about a library's weights; a net that begins without them takes the same scale.

    Attributes:
        mean: of red, green and blue in what the weights were learnt on, on a scale from 0 to 1.
        std: likewise, their standard deviation.
        source: what was learnt and who offers it, in a few words.
        licence: of the weights.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    source: str
    licence: str


TORCHVISION_LICENCE = "BSD-3-Clause"
"""torchvision's licence; its pages add that the data set's own terms may apply."""
