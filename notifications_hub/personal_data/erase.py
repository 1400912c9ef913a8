"""The removal of all that the hub stores about a person.

It runs in short transactions, so that the site goes on. If it is killed half-way, the next run does the rest.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import models

from notifications_hub import audiences, streams
from notifications_hub.actions.removal import take_names_off
from notifications_hub.announcements.audit import AnnouncementStep
from notifications_hub.database import transaction
from notifications_hub.database.primary import connection
from notifications_hub.live.revocation import revoke
from notifications_hub.notification import Notification
from notifications_hub.personal_data.export import steps_of_person
from notifications_hub.personal_data.tables import TABLES, Table
from notifications_hub.streams.models import TOMBSTONE, Event, Stream, inbox_topic
from notifications_hub.transports.email.models import StoppedEmail, email_of, normalized
from notifications_hub.users import Person, person_key

CHUNK = 250
"""The most rows that one transaction changes."""
RANGE = 20_000
"""Keys of notifications that one statement looks through. No index finds those that a person caused."""


def erase(person: Person, *, keep_caused: bool = False) -> Mapping[str, int]:
    """Erase what the hub stores about a person, who stays signed up. Return how many rows changed, by table.

    Their connections end first. Other people's notifications that the person caused, or that name them as target or
    action object, are deleted too, unless `keep_caused`. Announcements stay, without the person's name. So do events
    of the inbox, without their data: a topic has no gaps.
    """
    revoke(person)
    done: Counter[str] = Counter()
    # First, because these results are found by the person.
    done["action_results"] += take_names_off(person.pk)
    done += _empty_tables(person)
    if not keep_caused:
        done["notifications_of_others"] += sum(map(_delete, _caused_by(person)))
        # That took long, so something may have arrived.
        done += _empty_tables(person)
    done["stopped_emails"] += _delete(StoppedEmail.objects.filter(address=normalized(email_of(person))))
    done["announcement_steps"] += _take_name_off_proposals(person) + _take_name_off_steps(person)
    done["events"] += _blank_events(inbox_topic(person.pk))
    audiences.forget_memberships(person.pk)
    return {name: number for name, number in done.items() if number}


def _empty_tables(person: Person) -> Counter[str]:
    return Counter(
        {table.name: _forget(table, person.pk) if table.forget else _delete(table.rows(person.pk)) for table in TABLES}
    )


def _delete(rows: models.QuerySet[Any]) -> int:
    return sum(_delete_some(rows.model, ids) for ids in _chunks(rows))


def _chunks(rows: models.QuerySet[Any]) -> Iterator[list[Any]]:
    """Yield the keys of the rows that are there now. Else a person who is notified all the time would keep it going."""
    last = rows.order_by("-pk").values_list("pk", flat=True).first()
    if last is None:
        return
    until_now = rows.filter(pk__lte=last)
    while ids := list(until_now.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        yield ids


def _delete_some(model: type[models.Model], ids: list[Any]) -> int:
    began = time.monotonic()
    with transaction.atomic():
        model._base_manager.filter(pk__in=ids).delete()
    streams.give_way(time.monotonic() - began)
    return len(ids)


def _forget(table: Table, person_pk: Any) -> int:
    return table.model._base_manager.filter(**{table.field: person_pk}).update(**{table.field: None})


def _caused_by(person: Person) -> Iterator[models.QuerySet[Notification]]:
    """Yield the notifications of other people that name a person, in ranges of keys."""
    types = ContentType.objects.get_for_models(get_user_model(), type(person), for_concrete_models=False).values()
    names = models.Q()
    for field in ("actor", "target", "action_object"):
        names |= models.Q(**{f"{field}_content_type__in": list(types), f"{field}_object_id": str(person.pk)})
    last = Notification.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    for start in range(0, last + 1, RANGE):
        yield Notification.objects.filter(names, pk__gt=start, pk__lte=start + RANGE)


def _take_name_off_steps(person: Person) -> int:
    """Empty the person's name in the audit trail. The steps and the key stay."""
    return _change_steps("person_name = '' WHERE person_key = %s AND person_name <> ''", person_key(person.pk))


def _take_name_off_proposals(person: Person) -> int:
    """Empty the name in steps of others, who approved what the person proposed, under any name they had then."""
    own = steps_of_person(person).exclude(person_name="").order_by()
    names = {person.get_username(), *own.values_list("person_name", flat=True).distinct()}
    found = AnnouncementStep.objects.filter(details__proposed_by__in=sorted(names))
    return sum(
        _change_steps("details = %s WHERE id = %s", json.dumps({**step.details, "proposed_by": ""}), step.pk)
        for step in found.iterator()
    )


def _change_steps(changes: str, *values: Any) -> int:
    """Change steps of the audit trail by SQL, because no queryset may."""
    table = connection.ops.quote_name(AnnouncementStep._meta.db_table)
    with connection.cursor() as sql:
        sql.execute(f"UPDATE {table} SET {changes}", values)  # noqa: S608 -- constants of this module
        return int(sql.rowcount)


def _blank_events(topic: str) -> int:
    """Empty all events of a topic. They keep their numbers."""
    streams.number([topic])
    events = Event.objects.filter(topic=topic).exclude(kind=TOMBSTONE)
    return sum(_blank(topic, ids) for ids in _chunks(events))


def _blank(topic: str, ids: list[int]) -> int:
    began = time.monotonic()
    with transaction.atomic():
        # The stream before its events, as every other writer locks them.
        list(Stream.objects.filter(topic=topic).select_for_update(no_key=True).values_list("pk"))
        Event.objects.filter(pk__in=ids).update(kind=TOMBSTONE, data={}, item=None, erases=None)
    streams.give_way(time.monotonic() - began)
    return len(ids)
