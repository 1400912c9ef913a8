from __future__ import annotations

from typing import ClassVar

from django.db import models

from notifications_hub import NotificationExtension


class Tenant(models.Model):
    name = models.CharField(max_length=50)

    objects: ClassVar[models.Manager[Tenant]] = models.Manager()

    def __str__(self) -> str:
        return self.name


class CaseColumns(NotificationExtension):
    """The tenant of a notification, and what the tenant's staff sort it by."""

    payload = ("tenant", "category", "case")
    scope_by = "tenant"
    read_with = ("tenant",)

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    category = models.CharField(max_length=20, default="general")
    reviewer = models.ForeignKey(Tenant, on_delete=models.SET_NULL, null=True, related_name="+")
    case = models.UUIDField(null=True)
    weight = models.PositiveSmallIntegerField(default=0)
    labels = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)
