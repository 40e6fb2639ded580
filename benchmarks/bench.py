"""Every stage beside the plain way, and how far it is from its limit: `make bench`.

    python benchmarks/bench.py --data ../shared/data --quick
    python benchmarks/bench.py --stages farneback building

Writes docs/benchmarks.md, of each stage its own part as soon as it is measured: to go on after a
run that was stopped, name the stages that are left. What is measured side by side is measured in
turn, round by round, and compared within the round, so that other work on the machine disturbs both
alike. The stages `workers` and `gpu` go by the clock, and want the machine for themselves.
"""

import time
from importlib import import_module
from pathlib import Path
from typing import Literal, get_args

import tyro
from flow_bound import write_between_markers
from side_by_side import machine_facts

from signflow.progress import console

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
Stage = Literal[
    "farneback",
    "building",
    "standin",
    "workers",
    "reading",
    "training",
    "nets",
    "gpu",
    "growth",
    "start",
]


def main(
    *,
    data: Path = Path("../shared/data"),
    stages: tuple[Stage, ...] = get_args(Stage),
    quick: bool = False,
    write: bool = True,
) -> None:
    """Measure stages and write what was found.

    Args:
        data: a folder with egogestar and croatian_signs.
        stages: which.
        quick: fewer clips and rounds: a look, not a result.
        write: whether the tables go into docs/benchmarks.md.
    """
    for stage in stages:
        started = time.monotonic()
        found = import_module(f"bench_{stage}").measure(data, quick=quick)
        how = " (`--quick`)" if quick else ""
        text = f"{found}\n\nMeasured{how} {time.strftime('%Y-%m-%d')} on\n\n{machine_facts()}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)
        console.print(f"{stage}: {time.monotonic() - started:.0f} s", highlight=False)
        if write:
            write_between_markers(PAGE, text, name=stage)


if __name__ == "__main__":
    tyro.cli(main)
