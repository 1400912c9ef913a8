"""The table of addresses that people added for themselves, for all transports that take some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications_hub.database.primary import HubModel
from notifications_hub.delivery.reasons import LONGEST_CODE
from notifications_hub.transports.own_addresses.sealing import seal, unseal

PREVIOUS_SECRET_LASTS = timedelta(days=1)
"""The time in which a receiver may still check signatures with the secret before the current one."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A place to send to. With several secrets, each signs: the newest first, then the one that it replaces."""

    address: str
    secrets: tuple[str, ...] = ()


class OwnAddress(HubModel):
    """An address of one person for one transport. A row never changes hands, so its deliveries reach no one else."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="own_addresses",
        # The unique constraint begins with it.
        db_index=False,
        verbose_name=_("owner"),
    )
    transport = models.CharField(_("transport"), max_length=20)
    fingerprint = models.CharField(max_length=64, editable=False)
    sealed = models.TextField(editable=False)
    where = models.CharField(_("service"), max_length=100)
    name = models.CharField(_("name"), max_length=60, blank=True)
    created = models.DateTimeField(_("added"), default=timezone.now)
    rotated_at = models.DateTimeField(_("secret replaced"), null=True, blank=True, editable=False)
    last_used = models.DateTimeField(_("last used"), null=True, blank=True)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    stop_reason = models.CharField(_("stopped because"), max_length=LONGEST_CODE, blank=True)
    stop_parameters = models.JSONField(default=dict, editable=False)

    class Meta(HubModel.Meta):
        ordering = ("id",)
        verbose_name = _("own address")
        verbose_name_plural = _("own addresses")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=("owner", "transport", "fingerprint"), name="hub_own_address_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.where})" if self.name else self.where

    def destination(self) -> Destination:
        """Return the address and its valid secrets. Raise `ValueError` if no key of this site opens them."""
        stored: dict[str, Any] = unseal(self.sealed)
        secrets = stored["secrets"]
        if self.rotated_at and timezone.now() - self.rotated_at > PREVIOUS_SECRET_LASTS:
            secrets = secrets[:1]
        return Destination(stored["address"], tuple(secrets))


def sealed_destination(address: str, secrets: Sequence[str]) -> str:
    """Return the column `sealed` for an address with its secrets, the newest first."""
    return seal({"address": address, "secrets": list(secrets)})
