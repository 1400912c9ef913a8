"""The tables of service tokens, and of requests that were made with an idempotency key."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications_hub.database.primary import HubModel

LONGEST_KEY = 255


def revoke_with_group(collector: Any, field: Any, tokens: Any, using: str) -> None:
    """Revoke the tokens of a group that is deleted. Without a group, they would reach everyone."""
    collector.add_field_update(field, None, tokens)
    collector.add_field_update(ServiceToken._meta.get_field("revoked_at"), timezone.now(), tokens)


class ServiceToken(HubModel):
    """A service that may notify people. Only a hash of its token is stored, so nobody can read the token again."""

    name = models.CharField(
        _("service"), max_length=100, help_text=_("People read it as the actor, unless the service names another.")
    )
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    # The first characters, by which staff recognize a token in a configuration file.
    beginning = models.CharField(_("token"), max_length=12, editable=False)
    kinds = models.JSONField(_("kinds"), default=list, help_text=_("It may send these kinds, and no others."))
    group = models.ForeignKey(
        Group,
        on_delete=revoke_with_group,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("only to members of"),
        help_text=_("Leave it empty to let the service notify everyone."),
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("made by"),
    )
    created = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("valid until"), null=True, blank=True, help_text=_("Empty: until revoked."))
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)
    last_used = models.DateTimeField(_("last used"), null=True, editable=False)

    class Meta(HubModel.Meta):
        verbose_name = _("service token")
        verbose_name_plural = _("service tokens")
        # Staff revoke a token. Its row stays, as the record of who could send what.
        default_permissions = ("add", "change", "view")

    def __str__(self) -> str:
        return self.name


class IngestedRequest(HubModel):
    """The answer to a request with an `Idempotency-Key`, by token. `hub_prune` removes old ones."""

    token = models.ForeignKey(ServiceToken, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=LONGEST_KEY)
    # A hash of the path and the body, so that a key cannot stand for two requests.
    fingerprint = models.CharField(max_length=64)
    # Places of names instead of names, which an erasure would have to find.
    answer = models.JSONField(default=list)
    created = models.DateTimeField(default=timezone.now)

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="hub_ingested_once")]

    def __str__(self) -> str:
        return f"{self.token_id}: {self.key}"
