"""Where a run ran, and how to make the machine run it faster."""

import ctypes
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version

import torch

from signflow.compiled import has_numba
from signflow.errors import UserError

_M_MMAP_MAX = -4
_M_TRIM_THRESHOLD = -1


def describe_environment(
    *, device: torch.device, seconds: float, processes: int = 1
) -> dict[str, str | int | float]:
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
        "numba": version("numba") if has_numba() else "none",
        "machine": platform.platform(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processes": processes,
        "threads": torch.get_num_threads(),
    }


def inference_device(name: str) -> torch.device:
    """The device to run a trained model on: "auto" takes a GPU where there is one.

    Raises:
        UserError: PyTorch knows no such device, or it is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UserError(f"--device {name!r}: unknown; auto, cpu or cuda") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(f"--device {name}: no such device here; auto or cpu")
    return device


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
