"""Memory of a cluster's processes, in bytes."""

from __future__ import annotations

from pathlib import Path

from tests.support.cluster import Cluster

WEBS = ("web-1", "web-2")


def resident(cluster: Cluster, part: str) -> int:
    """Return what the processes of a part have in memory."""
    return sum(_field(pid, "VmRSS") for pid in cluster.pids(part))


def forget_peak(cluster: Cluster, part: str) -> None:
    """Begin to look for the peak again."""
    for pid in cluster.pids(part):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak(cluster: Cluster, part: str) -> int:
    """Return the most that the processes of a part had in memory since `forget_peak`."""
    return sum(_field(pid, "VmHWM") for pid in cluster.pids(part))


def _field(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
