"""How much of the machine is ours."""

import os


def available_cores() -> int:
    """Cores that this process may use: fewer than the machine has inside a container or Slurm."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
