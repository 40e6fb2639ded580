"""What the stages of `make bench` share: taking turns, medians, tables, facts of the machine."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("numpy", "opencv-python-headless", "av", "numba", "torch", "pyarrow")


@dataclass(frozen=True)
class Turns:
    """What each way took, one number a round; ratios are taken within a round."""

    seconds: Mapping[str, Sequence[float]]

    def median(self, name: str) -> float:
        """Of one way, over the rounds."""
        return statistics.median(self.seconds[name])

    def ratio(self, slow: str, quick: str) -> float:
        """How many times as long one way takes: the median of the rounds' ratios."""
        pairs = zip(self.seconds[slow], self.seconds[quick], strict=True)
        return statistics.median(one / other for one, other in pairs)

    def raw(self, name: str, *, unit: float = 1e-3) -> str:
        """All rounds, for those who want to see how far they scatter."""
        return ", ".join(f"{seconds / unit:.3g}" for seconds in self.seconds[name])


def take_turns(ways: Mapping[str, Callable[[], object]], *, rounds: int) -> Turns:
    """Run each way once a round, forwards and backwards in turn, in processor seconds.

    Processor time of this process with all its threads is counted, so that it matters less what
    else the machine does. Every way runs once before anything is counted.
    """
    for way in ways.values():
        way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        names = list(ways)
        for name in names if number % 2 == 0 else reversed(names):
            started = time.process_time()
            ways[name]()
            seconds[name].append(time.process_time() - started)
    return Turns(seconds)


def spent(*words: object) -> tuple[float, float]:
    """Run Python with such arguments to its end.

    Returns:
        processor seconds, and the most memory it had resident, in millions of bytes.
    """
    command = [sys.executable, *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def spent_by_signflow(*words: object) -> tuple[float, float]:
    """Run a signflow command to its end; see `spent`."""
    return spent("-m", "signflow.cli.main", *words)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table, its first column left, the others right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def machine_facts() -> str:
    """Processor, memory, system, versions, and how busy the machine is."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    return "\n".join(
        [
            f"- {_processor()}, {os.cpu_count()} cores{_instructions()}, {_memory()} of memory,"
            f" {platform.system()} {platform.release()}",
            f"- Python {platform.python_version()}; {libraries}",
            f"- load averages when this was measured: {load}",
        ]
    )


def _processor() -> str:
    return _processor_says("model name") or platform.processor() or platform.machine()


def _instructions() -> str:
    """Those of a processor that decide how fast nets and flow are, where it says so."""
    said = _processor_says("flags").split()
    return "".join(f", {name}" for name in ("avx2", "avx512f", "avx512_bf16") if name in said)


def _processor_says(what: str) -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == what:
                return value.strip()
    return ""


def _memory() -> str:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{size / 1e9:.0f} GB"
