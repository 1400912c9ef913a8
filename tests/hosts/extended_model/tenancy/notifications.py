from __future__ import annotations

from django.contrib.auth import get_user_model

from notifications_hub import Kind, NotificationLike, Sample
from tests.hosts.extended_model.tenancy.models import Tenant


class CaseMoved(Kind):
    name = "case.moved"
    label = "Cases"
    sample = Sample(verb="moved", extension={"tenant": Tenant(name="Acme"), "category": "billing"})

    def title(self, notification: NotificationLike) -> str:
        return f"{notification.extension.tenant.name}: {notification.verb} ({notification.extension.category})"


class CaseFor(Kind):
    """A kind whose words differ by person, so that its rows are inserted before they are rendered."""

    name = "case.for"
    label = "Cases of yours"
    sample = Sample(
        verb="moved",
        extension={"tenant": Tenant(name="Acme")},
        recipient=get_user_model()(first_name="Alice"),
    )

    def title(self, notification: NotificationLike) -> str:
        recipient = notification.recipient  # type: ignore[attr-defined]
        return f"{recipient.first_name}, {notification.extension.tenant.name} {notification.verb}"


class PasswordChanged(Kind):
    name = "password.changed"
    label = "Your password"
    has_extension = False
