from __future__ import annotations

from typing import Any

from notifications_hub.live.topics import topic


@topic("open.<slug:name>")
def may_listen(user: Any, name: str) -> bool:
    return bool(user.is_authenticated)
