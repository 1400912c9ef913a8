"""Run a command that gets SIGTERM when its parent ends, even if that was killed: `end_with_parent.py COMMAND…`."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>. The setting outlives `exec`."""

if __name__ == "__main__":
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == parent:
        os.execv(sys.argv[1], sys.argv[1:])
