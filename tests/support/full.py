"""How large the proofs are that need a machine to themselves: as promised with `FULL=1`, or in short for bin/test."""

from __future__ import annotations

import os

FULL = bool(os.environ.get("FULL"))
