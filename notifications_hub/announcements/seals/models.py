"""The seals of the audit trail. Step and seal are added in one transaction; the seal gets its place later."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import models

from notifications_hub.database.primary import HubModel

LOOK_SECONDS = 30.0
"""Time between two looks of a process for steps that another one recorded, such as a command."""


@dataclass(slots=True)
class Look:
    """The time of this process's next look for steps to seal."""

    at: float = 0.0

    def soon(self) -> None:
        self.at = 0.0

    def is_due(self) -> bool:
        now = time.monotonic()
        if now < self.at:
            return False
        self.at = now + LOOK_SECONDS
        return True


look = Look()


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
