"""The result of an action. There is at most one for each thing that notifications let people decide."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications_hub.database.primary import HubModel


class ActionResult(HubModel):
    """The claim of an action that runs, and then its result. Without `at` it is not done.

    Whoever holds `claim` may run an action of this key until `claimed_until`.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(_("kind"), max_length=100)
    action = models.CharField(_("action"), max_length=100)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    person_name = models.CharField(_("person"), max_length=255)
    word = models.TextField(_("word"), blank=True)
    text = models.TextField(_("result"), blank=True)
    claim = models.UUIDField(default=uuid.uuid4, editable=False)
    claimed_until = models.DateTimeField()
    at = models.DateTimeField(_("done"), null=True, blank=True)
    # The last notification whose event was logged, until all were.
    published_through = models.BigIntegerField(null=True, editable=False)

    class Meta(HubModel.Meta):
        verbose_name = _("result of an action")
        verbose_name_plural = _("results of actions")
        indexes = [
            models.Index(
                fields=["id"], condition=models.Q(published_through__isnull=False), name="hub_result_unpublished"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.action} {self.key}"
