"""The faults that the hub is proven to survive, and the tests that inject them.

Each row is one T of the design. `docs/reliability.md` shows this table beside the figures of the last run.
"""

from __future__ import annotations

from tests.faults.proof import Proof
from tests.faults.proofs_of_parts import PARTS
from tests.faults.proofs_of_users import USERS

PROOFS: tuple[Proof, ...] = (*PARTS, *USERS)
