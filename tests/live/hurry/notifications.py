from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from accounts.models import User
from notifications_hub import joined, left, publish, topic


@topic("open.<slug:name>")
def may_listen(user: Any, name: str) -> bool:
    return bool(user.is_authenticated)


@topic("rooms.<slug:name>", presence=True)
def may_enter(user: Any, name: str) -> bool:
    return bool(user.is_authenticated)


@receiver(joined)
def log_joined(topic: str, user: User, **kwargs: Any) -> None:
    publish(f"heard.{topic}", f"{user} joined", {})


@receiver(left)
def log_left(topic: str, user: User, **kwargs: Any) -> None:
    publish(f"heard.{topic}", f"{user} left", {})
