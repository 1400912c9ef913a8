"""Reasons of failed deliveries as short codes, of which there are few, so that they can be counted.

A code names the reason, the reasons inside it, and a status: `gave_up/push_answered/503`. A host's own texts are left
out, because each may be different.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from notifications_hub.delivery.reasons import DeliveryReason, Parameters, ReasonCode, reason_in_words

LONGEST = 60
_UNCOUNTABLE = (ReasonCode.TRANSPORT_SAID, ReasonCode.UNEXPECTED)


def code_of(reason: DeliveryReason) -> str:
    """Return the code of a reason, without its other parameters."""
    parts = [reason.code.value, str(reason.parameters.get("because", "")), _status(reason.parameters)]
    return "/".join(filter(None, parts))[:LONGEST]


def in_words(code: str) -> str:
    """Return a code in the active language."""
    parts = code.split("/")
    status = parts.pop() if parts[-1].isdecimal() else ""
    inmost = parts[-1]
    if inmost in _UNCOUNTABLE:
        return _("Another reason. The list of deliveries names it.")
    parameters: dict[str, str | int] = {"because": "/".join(parts[1:])} if parts[1:] else {}
    if status:
        parameters["status"] = status
    return reason_in_words(parts[0], {**parameters, "host": _("the service"), "seconds": "…"})


def _status(parameters: Parameters) -> str:
    status = str(parameters.get("status", ""))
    return status if status.isdecimal() and len(status) <= 3 else ""
