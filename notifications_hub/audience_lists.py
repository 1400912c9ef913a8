"""Audiences chosen by hand: each is a stored list of people, and its name is `chosen.<pk>`.

A list never changes once it is made. A person belongs to it while one of its announcements may run, and a day longer.
So a person with a thousand old lists costs a page nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
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
LINGERS = timedelta(days=1)
"""Time for which people belong to a list beyond the end, so that a page that slept hears that it is over."""
_AT_ONCE = 2000
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class AudienceList(HubModel):
    people = models.PositiveIntegerField()
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{PREFIX}{self.pk}"


class AudienceListMember(HubModel):
    """A person of a list. `until` is a day after the last announcement for the list ends."""

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
    values = {"person": models.F("pk"), "until": until + LINGERS}
    with transaction.atomic():
        made = AudienceList.objects.create(people=len(keys))
        for some in chunks(keys, _AT_ONCE):
            found = from_primary(get_user_model()._default_manager.filter(pk__in=some)).order_by("pk")
            insert_select(AudienceListMember, found, {"list": made.pk, **values})
    return str(made)


def _keys(people: Iterable[Any]) -> list[Any]:
    keys = dict.fromkeys(_keys_of(people) if isinstance(people, QuerySet) else map(_key_of, people))
    if None in keys:
        raise ValueError("Save these people before you announce something to them.")
    if not keys:
        raise ValidationError(_("Choose at least one person."))
    check_number(len(keys))
    return list(keys)


def _key_of(person: Any) -> Any:
    if not isinstance(person, get_user_model()):
        raise TypeError(f"An audience is a list of people, and {person!r} is none.")
    return person.pk


def _keys_of(people: QuerySet[Any]) -> Iterator[Any]:
    """Yield the keys of a queryset until there are too many. By its joins it may have a person several times."""
    if not issubclass(people.model, get_user_model()):
        raise TypeError(f"An audience is a queryset of people, not of {people.model._meta.verbose_name_plural}.")
    seen: set[Any] = set()
    for key in from_primary(people).values_list("pk", flat=True).iterator(chunk_size=_AT_ONCE):
        if len(seen) > MOST:
            return
        seen.add(key)
        yield key


def check_number(number: int) -> None:
    """Raise `ValidationError` if a list of this many people would be too long."""
    if number > MOST:
        text = _("A list holds at most %(most)d people. Declare a named audience in AUDIENCES for more.")
        raise ValidationError(text % {"most": MOST})


def extend(audience: str, until: datetime) -> None:
    """Keep the people of a list in it until this moment at least. Other audiences are ignored."""
    if found := list_of(audience):
        later = until + LINGERS
        found.members.filter(until__lt=later).update(until=later)


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
