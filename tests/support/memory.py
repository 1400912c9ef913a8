"""Memory of running processes, in bytes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def resident(pids: Iterable[int]) -> int:
    """Return what processes have in memory. One that has ended has nothing."""
    return _sum(pids, "VmRSS")


def forget_peak(pids: Iterable[int]) -> None:
    """Begin to look for the peak again."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak(pids: Iterable[int]) -> int:
    """Return the most that each process had in memory since `forget_peak`, in all."""
    return _sum(pids, "VmHWM")


def _sum(pids: Iterable[int], name: str) -> int:
    return sum(_field(pid, name) for pid in pids)


def _field(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)
