"""Find people's addresses for a delivery method, whatever a host's transport raises."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from notifications_hub.database import transaction
from notifications_hub.transports import Transport, addresses_of, get_transport, transport_names

log = logging.getLogger(__name__)


def usable_transports() -> list[str]:
    """Return the names of the transports that can be created. One that cannot must not stop `notify.send()`."""
    names = []
    for name in transport_names():
        try:
            get_transport(name)
        except Exception:
            log.exception("The transport %r cannot be created, so it gets no deliveries", name)
        else:
            names.append(name)
    return names


def find_addresses(name: str, people: Sequence[Any]) -> dict[Any, list[str]]:
    """Return people's addresses. If a host's transport raises, ask it person by person, and log who is left out."""
    transport = get_transport(name)
    try:
        return _asked(transport, people)
    except Exception:
        log.exception("The transport %r could not find the addresses of %d people, so each is tried", name, len(people))
    found: dict[Any, list[str]] = {}
    failed = []
    for person in people:
        try:
            found |= _asked(transport, [person])
        except Exception:  # noqa: BLE001 -- a host's code may raise anything; its first error is in the log
            failed.append(person.pk)
    if failed:
        log.error("The transport %r gets no deliveries for %d people: %.200s", name, len(failed), failed)
    return found


def _asked(transport: Transport, people: Sequence[Any]) -> dict[Any, list[str]]:
    # With a savepoint, a query of the host's that fails does not fail the caller's transaction.
    with transaction.atomic():
        return addresses_of(transport, people)
