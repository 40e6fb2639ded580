"""From where the hands are to where everything is: two-link arms, seen by a camera."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
"""A place in metres from the middle between the shoulders: x right in the picture, y down, z to
the camera."""

_DISTANCE = 2.1
"""Metres from the camera to the signer."""

_ELEVATION = 0.2
"""The camera looks slightly down: what comes closer also moves down, by this share."""


@dataclass(frozen=True)
class Camera:
    """Where the signer stands in the picture.

    Attributes:
        x: the column of the middle between the shoulders.
        y: its row.
        pixels: pixels to a metre at that place.
    """

    x: float
    y: float
    pixels: float

    def project(self, point: Vector) -> tuple[float, float, float]:
        """Return column, row, and pixels to a metre at `point`."""
        across, down, near = point.tolist()
        scale = self.pixels * _DISTANCE / (_DISTANCE - near)
        return self.x + across * scale, self.y + (down + _ELEVATION * near) * scale, scale


def elbow(shoulder: Vector, wrist: Vector, lengths: tuple[float, float]) -> tuple[Vector, Vector]:
    """Solve a two-link arm.

    Args:
        shoulder: its upper end.
        wrist: where its lower end shall be.
        lengths: upper arm and forearm, metres.

    Returns:
        The elbow, which falls down and outwards as far as it can, and the wrist: the one asked
        for, or the nearest point on the way to it that the arm reaches.
    """
    upper, fore = lengths
    reach = wrist - shoulder
    distance = math.sqrt(float(reach @ reach))
    near = max(abs(upper - fore) + 0.02, 0.08)
    clamped = min(max(distance, near), (upper + fore) * 0.995)
    ahead = reach / max(distance, 1e-6)
    wrist = shoulder + ahead * clamped
    along = (upper**2 - fore**2 + clamped**2) / (2 * clamped)
    aside = math.sqrt(max(upper**2 - along**2, 0.0))
    outwards = 1.0 if shoulder[0] > 0 else -1.0
    pole = np.array([0.55 * outwards, 1.0, -0.35])
    pole -= ahead * float(pole @ ahead)
    pole /= max(math.sqrt(float(pole @ pole)), 1e-6)
    return shoulder + ahead * along + pole * aside, wrist
