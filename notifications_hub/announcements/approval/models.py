"""The table of corrections: edits of running announcements that a second person has yet to approve."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications_hub.announcements.models import Announcement
from notifications_hub.database.primary import HubModel


class Correction(HubModel):
    """A proposed edit of an announcement. A later proposal replaces it.

    `columns` holds new values by column, and `translations` the words of all other languages.
    """

    announcement = models.OneToOneField(Announcement, on_delete=models.CASCADE, related_name="correction")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    columns = models.JSONField(encoder=DjangoJSONEncoder)
    translations = models.JSONField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta(HubModel.Meta):
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.announcement}: {', '.join(self.columns)}"
