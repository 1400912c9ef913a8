"""Memory and processor time of a process, as the kernel counts them."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import family

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    pid: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def memory_kb(self) -> int:
        """Return its own memory and its share of shared memory (PSS), including its children's."""
        return sum(_pss_kb(pid) for pid in family(self.pid))

    def settle(self, *, seconds: float = 30.0) -> None:
        """Wait until the server is idle after clients have connected or left."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            before = self.cpu_seconds()
            time.sleep(1)
            if self.cpu_seconds() - before < 0.1:
                return

    def cpu_seconds(self) -> float:
        return sum(_cpu_seconds(pid) for pid in family(self.pid))


def _pss_kb(pid: int) -> int:
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def _cpu_seconds(pid: int) -> float:
    # The name, in brackets, may contain anything. User and system time are the 12th and 13th field after it.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
