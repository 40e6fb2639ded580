"""Many runs: every combination of a grid, or a search; shared by as many processes as one likes."""

from signflow.sweep.claims import Timing
from signflow.sweep.plan import PlannedRun, parse_grid, planned_runs, run_name
from signflow.sweep.trials import search
from signflow.sweep.work import SweepOptions, SweepSummary, sweep

__all__ = [
    "PlannedRun",
    "SweepOptions",
    "SweepSummary",
    "Timing",
    "parse_grid",
    "planned_runs",
    "run_name",
    "search",
    "sweep",
]
