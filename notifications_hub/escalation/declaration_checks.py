"""System checks of the steps that kinds declare in `escalate`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Any

from django.core.checks import CheckMessage, Error

from notifications_hub.conf import SETTING
from notifications_hub.escalation.after import After
from notifications_hub.kinds import DeliveryMethod, Kind, UnknownKind, all_kinds, get_kind
from notifications_hub.own_kinds import AnnouncementKind


def check_escalations(transports: Collection[str]) -> Iterator[CheckMessage]:
    """Check the steps of all kinds. As for `Kind.methods`, a site may lack a built-in transport that a kind names."""
    known = {*transports, DeliveryMethod.WEB_PUSH.value, DeliveryMethod.EMAIL.value}
    for kind in all_kinds():
        # A host may have written anything there.
        steps: Any = kind.escalate
        if not isinstance(steps, Sequence) or not all(isinstance(step, After) for step in steps):
            fault = f"`escalate` of the kind {kind.name!r} must be a list of After(...), not {steps!r}."
            yield Error(fault, hint='Write escalate = [After(hours=1, method="email")].', obj=type(kind), id=_id(2))
        elif steps:
            yield from _whole(kind, steps)
            for step in steps:
                yield from _step(kind, step, known)


def _whole(kind: Kind, steps: Sequence[After]) -> Iterator[CheckMessage]:
    if kind.name == AnnouncementKind.name:
        fault = "The kind of announcements has `escalate`, but announcements are not escalated."
        hint = "Remove it, and notify the people with a kind of your own."
        yield Error(fault, hint=hint, obj=type(kind), id=_id(3))
    for one, following in pairwise(steps):
        if following.delay <= one.delay:
            fault = f"The kind {kind.name!r} escalates after {following.delay}, listed behind {one.delay}."
            hint = "Give each step a later time than the one before. Every time counts from the notification."
            yield Error(fault, hint=hint, obj=type(kind), id=_id(2))


def _step(kind: Kind, step: After, known: Collection[str]) -> Iterator[CheckMessage]:
    if step.method and step.method not in known:
        fault = f"The kind {kind.name!r} escalates by {str(step.method)!r}, which is no transport."
        hint = f"Add it to {SETTING}['TRANSPORTS'], or use one of {', '.join(sorted(known))}."
        yield Error(fault, hint=hint, obj=type(kind), id=_id(1))
    if step.kind:
        try:
            get_kind(step.kind)
        except UnknownKind as error:
            fault = f"The kind {kind.name!r} escalates with the kind {step.kind!r}, which no app declares."
            yield Error(fault, hint=str(error), obj=type(kind), id=_id(1))


def _id(number: int) -> str:
    return f"notifications_hub.E07{number}"
