"""A notification centre for Django. These are its public names beside `notifications.signals.notify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from notifications_hub.announcements.announce import broadcast
    from notifications_hub.live.revocation import revoke
    from notifications_hub.live_lists import live_list
    from notifications_hub.publishing import apublish, publish, publish_many
    from notifications_hub.rows import LiveManager, live_rows

__all__ = ["LiveManager", "apublish", "broadcast", "live_list", "live_rows", "publish", "publish_many", "revoke"]

_HOMES = {
    "LiveManager": "notifications_hub.rows",
    "apublish": "notifications_hub.publishing",
    "broadcast": "notifications_hub.announcements.announce",
    "live_list": "notifications_hub.live_lists",
    "live_rows": "notifications_hub.rows",
    "publish": "notifications_hub.publishing",
    "publish_many": "notifications_hub.publishing",
    "revoke": "notifications_hub.live.revocation",
}


def __getattr__(name: str) -> Any:
    # Their modules hold models, which may be imported only once Django is set up.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
