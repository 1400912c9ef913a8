"""The kinds of the shop."""

from __future__ import annotations

from notifications_hub import Kind, NotificationLike


class Sold(Kind):
    name = "shop.sold"
    label = "Sales"

    def title(self, notification: NotificationLike) -> str:
        return f"{notification.actor_name} bought {notification.data['what']}"
