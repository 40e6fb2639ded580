"""Whether a net is as sure as it may be: what a reliability diagram shows."""

from dataclasses import dataclass

from signflow.evaluation.intervals import Interval, wilson_interval
from signflow.evaluation.measures import errors_when_calibrated
from signflow.evaluation.scored import CALIBRATION_BINS, Scored


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """The clips whose highest score lies between two bounds.

    Attributes:
        low, high: the bounds, 0 to 1; `high` belongs to the bin.
        clips: how many they are.
        confidence: their mean highest score; None without clips.
        accuracy: share of them recognised (Wilson interval).
    """

    low: float
    high: float
    clips: int
    confidence: float | None
    accuracy: Interval


def calibration_bins(scored: Scored) -> list[CalibrationBin]:
    """Return what a reliability diagram shows, from the least confident clips to the surest."""
    bins = []
    for number in range(CALIBRATION_BINS):
        inside = scored.bins == number
        clips = int(inside.sum())
        bins.append(
            CalibrationBin(
                low=number / CALIBRATION_BINS,
                high=(number + 1) / CALIBRATION_BINS,
                clips=clips,
                confidence=float(scored.confidence[inside].mean()) if clips else None,
                accuracy=wilson_interval(int(scored.correct[inside].sum()), clips),
            )
        )
    return bins


def calibration_floor(scored: Scored) -> float | None:
    """Return the calibration error to expect of a perfectly calibrated net on as many clips.

    None without clips.
    """
    return float(errors_when_calibrated(scored).mean()) if scored.clips else None
