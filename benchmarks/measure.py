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
    """Return user and system time of one process in seconds, in steps of 10 ms."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS


def cpu_since(pid: int, before: float) -> float:
    """Return CPU seconds since an earlier reading; below the resolution, half of it."""
    return max(cpu_seconds(pid) - before, 0.5 / _TICKS)


def family_cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and its children, including ended ones."""
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
    """Return the peak resident memory of the process in megabytes."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no {name}")


@dataclass(frozen=True, slots=True)
class Block:
    """One measured block of work: its units, seconds and CPU seconds."""

    units: float
    seconds: float
    cpu: float
    more: dict[str, float]

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.units / self.seconds


def interleave(rounds: int, variants: dict[str, Callable[[], Block]]) -> dict[str, list[Block]]:
    """Run every variant once a round, so that other load affects all variants equally."""
    blocks: dict[str, list[Block]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            blocks[name].append(run())
    return blocks


def median(values: Iterable[float]) -> float:
    """The median."""
    return statistics.median(values)


def ratio(of: Sequence[Block], to: Sequence[Block], figure: Callable[[Block], float]) -> float:
    """Return the median over the rounds of the ratio of two variants' figures."""
    return median(figure(a) / figure(b) for a, b in zip(of, to, strict=True))


def quantile(values: Sequence[float], part: float) -> float:
    """The value that `part` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def until(done: Callable[[], bool], seconds: float, condition: str, pause: float = 0.02) -> None:
    """Wait until a condition holds; RuntimeError after the timeout in seconds."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {seconds:.0f} s: {condition}")
        time.sleep(pause)
