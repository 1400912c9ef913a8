"""The seals of the audit trail's steps. Both are added in one transaction; the seal gets its place in the chain later."""

from __future__ import annotations

from django.db import models

from notifications_hub.database.primary import HubModel


class StepSeal(HubModel):
    """The seal of one step. Without a number it waits for the chore that numbers seals, in the order of commits.

    `digest` covers the number, the step and the digest before it. `names` covers what an erasure may empty. `signature`
    signs the digest with the site's secret key, so that nobody without it can make a chain.
    """

    step_key = models.BigIntegerField(unique=True, editable=False)
    number = models.BigIntegerField(unique=True, null=True, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False)
    names = models.CharField(max_length=64, blank=True, editable=False)
    signature = models.CharField(max_length=64, blank=True, editable=False)

    class Meta(HubModel.Meta):
        default_permissions = ()
        indexes = [models.Index(fields=["id"], condition=models.Q(number=None), name="hub_seal_waiting")]

    def __str__(self) -> str:
        return f"seal {self.number} of step {self.step_key}"
