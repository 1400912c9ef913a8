"""Audiences chosen by hand: each is a stored list of people, and its name is `chosen.<pk>`.

A list never changes once it is made. A person belongs to it while one of its announcements may run, so a person with a
thousand old lists costs a page nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.database.insert_select import insert_select
from notifications_hub.database.primary import HubModel, from_primary

PREFIX = "chosen."
MOST = 10_000
"""The most people of a list. Hubs look all of them up when an announcement for the list is published."""
_AT_ONCE = 2000
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class AudienceList(HubModel):
    people = models.PositiveIntegerField()
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{PREFIX}{self.pk}"


class AudienceListMember(HubModel):
    """A person of a list. `until` is when the last announcement for the list ends."""

    list = models.ForeignKey(AudienceList, on_delete=models.CASCADE, related_name="members", db_index=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    until = models.DateTimeField()

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["list", "person"], name="hub_audience_member_once")]
        # Every page asks for a person's current lists, and old ones stay for ever.
        indexes = [models.Index(fields=["person", "until"], name="hub_audience_member_current")]

    def __str__(self) -> str:
        return f"{self.person_id} in {PREFIX}{self.list_id}"


def is_list(audience: str) -> bool:
    return audience.startswith(PREFIX)


def list_of(audience: str) -> AudienceList | None:
    """Return the list of an audience, or None if the audience is not such a list or does not exist."""
    number = _number_of(audience)
    return None if number is None else AudienceList.objects.filter(pk=number).first()


def create(people: Iterable[Any], until: datetime) -> str:
    """Store a list of people, and return its audience. `until` is the end of its announcement.

    Raise `ValidationError` if there are no people or more than `MOST`.
    """
    return create_of_keys(_keys(people), until)


def create_of_keys(keys: Collection[Any], until: datetime) -> str:
    """Store a list of the people with these primary keys, each once."""
    with transaction.atomic():
        made = AudienceList.objects.create(people=len(keys))
        for some in chunks(keys, _AT_ONCE):
            found = from_primary(get_user_model()._default_manager.filter(pk__in=some)).order_by("pk")
            insert_select(AudienceListMember, found, {"list": made.pk, "person": models.F("pk"), "until": until})
    return str(made)


def _keys(people: Iterable[Any]) -> list[Any]:
    if isinstance(people, QuerySet):
        keys = dict.fromkeys(from_primary(people)[: MOST + 1].values_list("pk", flat=True))
    else:
        keys = dict.fromkeys(person.pk for person in people)
    if None in keys:
        raise ValueError("Save these people before you announce something to them.")
    if not keys:
        raise ValidationError(_("Choose at least one person."))
    check_number(len(keys))
    return list(keys)


def check_number(number: int) -> None:
    """Raise `ValidationError` if a list of this many people would be too long."""
    if number > MOST:
        text = _("A list holds at most %(most)d people. Declare a named audience in AUDIENCES for more.")
        raise ValidationError(text % {"most": MOST})


def extend(audience: str, until: datetime) -> None:
    """Keep the people of a list in it until this moment at least. Other audiences are ignored."""
    if found := list_of(audience):
        found.members.filter(until__lt=until).update(until=until)


def delete(audience: str) -> None:
    """Delete a list that no announcement uses any more. Other audiences are ignored."""
    if found := list_of(audience):
        found.delete()


def keys_of(audience: str) -> list[Any]:
    """Return the primary keys of a list's people."""
    return list(AudienceListMember.objects.filter(list=_number_of(audience)).values_list("person", flat=True))


def people_of(lists: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Yield each current list with the primary key of each of its people."""
    numbers = [number for audience in lists if (number := _number_of(audience)) is not None]
    current = AudienceListMember.objects.filter(list__in=numbers, until__gt=Now())
    for number, person in current.values_list("list", "person").iterator(chunk_size=_AT_ONCE):
        yield f"{PREFIX}{number}", person


def _number_of(audience: str) -> int | None:
    number = audience.removeprefix(PREFIX) if is_list(audience) else ""
    return int(number) if _NUMBER.fullmatch(number) else None
