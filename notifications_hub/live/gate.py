"""How many strangers of one address may be at the door at once, before they have said who they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from notifications_hub.conf import hub_settings
from notifications_hub.live.closing import TOO_MANY
from notifications_hub.live.opening import Refusal


class Gate:
    """The address is the server's word: behind proxies, trust them there (uvicorn's `--forwarded-allow-ips`)."""

    def __init__(self) -> None:
        self._inside: Counter[str] = Counter()

    @contextmanager
    def enter(self, client: Sequence[object] | None) -> Iterator[None]:
        """Raises `Refusal`."""
        address = str(client[0]) if client else ""
        cap = hub_settings.live_per_address
        if cap and self._inside[address] >= cap:
            raise Refusal(TOO_MANY)
        self._inside[address] += 1
        try:
            yield
        finally:
            self._inside[address] -= 1
            if not self._inside[address]:
                del self._inside[address]
