"""CPU time and memory of processes from /proc, and medians."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# A week, in seconds: no benchmark runs that long.
NEVER = 7 * 86_400.0


def _stat(pid: int) -> list[str]:
    """The fields behind the name of /proc/PID/stat; field 3 of proc(5) is the first."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_seconds(pid: int) -> float:
    """User and system time of one process, all threads, in seconds; the resolution is 10 ms."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS


def cpu_since(pid: int, before: float) -> float:
    """CPU seconds since an earlier reading; what is too little to be seen counts as half of what can be."""
    return max(cpu_seconds(pid) - before, 0.5 / _TICKS)


def family_cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children, those that have ended included."""
    fields = _stat(pid)
    ended = (int(fields[13]) + int(fields[14])) / _TICKS
    return cpu_seconds(pid) + ended + sum(_cpu_or_zero(child) for child in _children(pid))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _cpu_or_zero(pid: int) -> float:
    try:
        return cpu_seconds(pid)
    except OSError:
        # It has ended between the two reads, and counts with its parent next time.
        return 0.0


def rss_mb(pid: int) -> float:
    """Resident memory of one process in megabytes."""
    return _status(pid, "VmRSS")


def peak_rss_mb(pid: int) -> float:
    """The most resident memory that the process ever had, in megabytes."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no {name}")


@dataclass(frozen=True, slots=True)
class Block:
    """One measured stretch of work: how many units, in how many seconds, and the CPU seconds it took."""

    units: float
    seconds: float
    cpu: float
    more: dict[str, float]

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.units / self.seconds


def interleave(rounds: int, variants: dict[str, Callable[[], Block]]) -> dict[str, list[Block]]:
    """Run every variant once a round, in turn, so that whatever else the machine does meets all of them alike."""
    found: dict[str, list[Block]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            found[name].append(run())
    return found


def median(values: Iterable[float]) -> float:
    """The median."""
    return statistics.median(values)


def ratio(of: Sequence[Block], to: Sequence[Block], figure: Callable[[Block], float]) -> float:
    """The median over the rounds of one variant's figure divided by the other's in the same round."""
    return median(figure(a) / figure(b) for a, b in zip(of, to, strict=True))


def quantile(values: Sequence[float], part: float) -> float:
    """The value that `part` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def until(done: Callable[[], bool], seconds: float, what: str, pause: float = 0.02) -> None:
    """Wait until something holds; RuntimeError after so many seconds."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {seconds:.0f} s: {what}")
        time.sleep(pause)
