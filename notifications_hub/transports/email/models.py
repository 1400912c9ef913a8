"""The table of email addresses that get no more emails, because they bounced or their owner complained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications_hub.database.primary import HubModel, from_primary

LONGEST = 254
"""Characters of an address. RFC 5321, section 4.5.3.1.3, as errata 1690 corrects it."""


class StopReason(models.TextChoices):
    """The reason that an address was stopped, in words for its owner."""

    BOUNCED = "bounced", _("Emails to it came back.")
    COMPLAINED = "complained", _("One of our emails was marked as spam.")


class StoppedEmail(HubModel):
    """An email address in lower case that gets no more emails, whoever has it."""

    address = models.CharField(_("address"), max_length=LONGEST, unique=True)
    reason = models.CharField(_("reason"), max_length=10, choices=StopReason)
    stopped_at = models.DateTimeField(_("stopped"), default=timezone.now)

    class Meta(HubModel.Meta):
        verbose_name = _("stopped email address")
        verbose_name_plural = _("stopped email addresses")

    def __str__(self) -> str:
        return self.address


def normalized(address: str) -> str:
    """Return an address as this table has it. Servers that tell upper and lower case apart are next to none."""
    return address.strip().lower()


def stop_emails_to(address: str, reason: str = StopReason.BOUNCED) -> None:
    """Send no more emails to an address. Its owner sees why in their preferences, and may try again.

    Raise `ValueError` for a reason other than `bounced` and `complained`.
    """
    stop_all([address], StopReason(reason))


def stop_all(addresses: Iterable[str], reason: StopReason) -> None:
    """Stop addresses in one statement. The first reason of each stays."""
    cleaned = {normalized(address)[:LONGEST] for address in addresses}
    rows = [StoppedEmail(address=address, reason=reason) for address in sorted(cleaned) if address]
    StoppedEmail.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)


def email_column() -> models.Field[Any, Any] | None:
    """Return the user model's field of email addresses, or None if it has no such column."""
    model = get_user_model()
    name = model.get_email_field_name()
    return next((field for field in model._meta.concrete_fields if field.name == name), None)


def people_with_email() -> models.QuerySet[Any]:
    """Return the people who entered an address."""
    column = email_column()
    people = from_primary(get_user_model()._base_manager.all())
    return people.none() if column is None else people.exclude(**{column.name: ""}).exclude(**{column.name: None})


def email_of(person: Any) -> str:
    """Return a person's address, or an empty text."""
    column = email_column()
    return str((column and column.value_from_object(person)) or "").strip()
