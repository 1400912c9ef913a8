"""The removal of results: names of people who want to be forgotten, and results that no notification shows any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import models

from notifications_hub.actions.models import ActionResult
from notifications_hub.database import transaction
from notifications_hub.notification import Notification, emit_items

PAGE = 250


def take_names_off(person_pk: Any) -> int:
    """Empty the person's name and words in results, and in the events that hold them. Return how many results.

    The results stay. Without them an action could run a second time.
    """
    changed = 0
    while some := list(ActionResult.objects.filter(person=person_pk).order_by("pk")[:PAGE]):
        with transaction.atomic():
            pks = [one.pk for one in some]
            ActionResult.objects.filter(pk__in=pks).update(person=None, person_name="", word="", text="")
            rows = Notification.objects.filter(_shows(some)).order_by("pk").select_related("recipient")
            emit_items("notification.updated", rows.for_items(), rewrites=True)
        changed += len(some)
    return changed


def orphans(before: datetime) -> Iterator[list[int]]:
    """Yield the keys of results from before a moment that no notification shows, in pages.

    They end at a page without an old one, since keys ascend with time.
    """
    last, rows = 0, ActionResult.objects.order_by("pk")
    while page := list(rows.filter(pk__gt=last)[:PAGE]):
        last = page[-1].pk
        old = [one for one in page if one.claimed_until < before]
        if not old:
            return
        shown = set(Notification.objects.filter(_shows(old)).values_list("pk", "action_key"))
        keys = {key or f"#{pk}" for pk, key in shown}
        yield [one.pk for one in old if one.key not in keys]


def _shows(results: Sequence[ActionResult]) -> models.Q:
    keys = [one.key for one in results]
    own = [int(key[1:]) for key in keys if key.startswith("#")]
    return models.Q(pk__in=own) | models.Q(action_key__in=keys, action_key__gt="")
