"""The copy of all that the hub stores about a person, as one JSON document, in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from notifications_hub.announcements.audit import AnnouncementStep
from notifications_hub.notification import InboxQuerySet
from notifications_hub.personal_data.tables import TABLES, Table
from notifications_hub.transports.email.models import StoppedEmail, email_of, normalized
from notifications_hub.users import Person, person_key

CHUNK = 500


def export(person: Person) -> Iterator[str]:
    """Yield the pieces of a JSON object: who it is about, when it was made, and a list of rows per table.

    Keys that let others send to a browser, or act for the person, are left out.
    """
    head = {"person": person.pk, "user_name": person.get_username(), "exported_at": timezone.now()}
    yield _json(head)[:-1]
    for table in TABLES:
        yield from _list(table.name, (table.values(row) for row in _rows(table, person)))
    yield from _list("stopped_emails", StoppedEmail.objects.filter(address=normalized(email_of(person))).values())
    yield from _list("announcement_steps", steps_of_person(person).values())
    yield "}\n"


def steps_of_person(person: Person) -> models.QuerySet[AnnouncementStep]:
    """Return the steps of the audit trail that a person took."""
    return AnnouncementStep.objects.filter(person_key=person_key(person.pk)).order_by("pk")


def _rows(table: Table, person: Person) -> Iterator[Any]:
    rows = table.rows(person.pk)
    whole = rows.for_items() if isinstance(rows, InboxQuerySet) else rows
    return iter(whole.iterator(chunk_size=CHUNK))


def _list(name: str, rows: Any) -> Iterator[str]:
    yield f', "{name}": ['
    for separator, row in zip(chain([""], iter(lambda: ",", None)), rows, strict=False):
        yield f"{separator}\n{_json(row)}"
    yield "]"


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
