"""The seals of the audit trail. Step and seal are added in one transaction; the seal gets its place later."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.core.signing import BadSignature, Signer
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

    A waiting one is signed too, so that the chore does not seal what SQL has added.

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

    @classmethod
    def waiting_for(cls, step_key: int) -> StepSeal:
        """Return the seal of a step that the hub adds."""
        return cls(step_key=step_key, signature=sign(_waiting(step_key)))

    @property
    def is_of_the_hub(self) -> bool:
        """Return whether the hub made this seal, which waits."""
        return is_signature(self.signature, _waiting(self.step_key))


def sign(text: str) -> str:
    return _signer().signature(text)


def is_signature(signature: str, text: str) -> bool:
    """Return whether `SECRET_KEY`, or one of its fallbacks, signed a text."""
    try:
        _signer().unsign(f"{text}:{signature}")
    except BadSignature:
        return False
    return True


def _waiting(step_key: int) -> str:
    return f"step {step_key}"


def _signer() -> Signer:
    return Signer(salt="notifications_hub.audit")
