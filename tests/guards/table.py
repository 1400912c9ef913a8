"""The guards that security rests on, each with the tests that must fail without it.

A row names a file, the text that guards, what stands there without the guard, and the tests. The text must occur in
its file exactly once. `docs/security.md` says which threat each guard answers.
"""

from __future__ import annotations

from tests.guards.addresses import ADDRESSES
from tests.guards.connections import CONNECTIONS
from tests.guards.content import CONTENT
from tests.guards.emails import EMAILS
from tests.guards.limits import LIMITS
from tests.guards.pushes import PUSHES
from tests.guards.staff import STAFF

GUARDS = [*CONNECTIONS, *LIMITS, *CONTENT, *PUSHES, *ADDRESSES, *STAFF, *EMAILS]
