"""Where a run ran, and how to make the machine run it faster."""

import ctypes
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version

import torch

_M_MMAP_MAX = -4
_M_TRIM_THRESHOLD = -1


def describe_environment(*, device: torch.device, seconds: float) -> dict[str, str | int | float]:
    """Facts that a reader of a run's figures may want, as JSON values."""
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "signflow": version("signflow"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "lightning_fabric": version("lightning-fabric"),
        "opencv": version("opencv-python-headless"),
        "av": version("av"),
        "machine": platform.platform(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
    }


def keep_large_blocks() -> None:
    """Tell glibc to keep large blocks instead of giving them back after each step.

    The report's nets hold one matrix of 800 MB. Its gradient and Adam's temporaries are freed and
    mapped again at every step, and nearly half of the step goes into faulting their pages in.
    Elsewhere than on Linux with glibc this does nothing.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, -1)
