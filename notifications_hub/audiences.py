"""Whom an announcement is for: `everyone`, `staff`, `group.<pk>`, or a named audience that the host declares.

`NOTIFICATIONS_HUB["AUDIENCES"]` maps a name to a callable giving its members as a queryset of people; the topic of
such an audience is `audience.<name>`. An audience is the topic its announcements are logged on.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Group
from django.core.cache import cache
from django.db.models import Count, QuerySet
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from notifications_hub.conf import hub_settings
from notifications_hub.people import Person, person_key

EVERYONE = "everyone"
STAFF = "staff"
_MEMBERSHIP_SECONDS = 60
_LOOKED_UP = "_notifications_hub_audiences"

log = logging.getLogger(__name__)


class UnknownAudience(ValueError):
    """No such audience is declared."""


def choices() -> list[tuple[str, str]]:
    """What an admin may choose from, with words."""
    staff = [(STAFF, _("Staff"))] if _has("is_staff") else []
    groups = Group.objects.order_by("name") if _has("groups") else []
    named = [(f"audience.{name}", name) for name in sorted(hub_settings.audiences)]
    return [(EVERYONE, _("Everyone")), *staff, *((f"group.{group.pk}", str(group)) for group in groups), *named]


def sizes() -> dict[str, int]:
    """How many active people each audience has now: three queries, and one for each named audience."""
    people = _active(get_user_model()._default_manager.all())
    counted = {EVERYONE: people.count()}
    if _has("is_staff"):
        counted[STAFF] = people.filter(is_staff=True).count()
    if _has("groups"):
        in_groups = people.filter(groups__isnull=False).order_by().values_list("groups")
        counted |= {f"group.{pk}": number for pk, number in in_groups.annotate(number=Count("pk"))}
    return counted | {f"audience.{name}": _active(_named(name)).count() for name in hub_settings.audiences}


def check(audience: str) -> str:
    """Raises `UnknownAudience`, naming the ones there are."""
    known = [name for name, _label in choices()]
    if audience not in known:
        raise UnknownAudience(f"{audience!r} is not an audience; choose one of {', '.join(known)}.")
    return audience


def topics_of(person: Person | AnonymousUser) -> list[str]:
    """The audiences a person belongs to. One query, and one more a minute for each named audience."""
    if not person.is_authenticated:
        return []
    looked_up = getattr(person, _LOOKED_UP, None)
    return [EVERYONE, *(_joined([person])[person.pk] if looked_up is None else looked_up)]


def look_up(people: Collection[Any]) -> None:
    """Finds out what `topics_of` then knows of these very objects, with the queries that one of them would cost."""
    joined = _joined(people)
    for person in people:
        setattr(person, _LOOKED_UP, joined[person.pk])


def contains(audience: str, person: Person | AnonymousUser) -> bool:
    return audience in topics_of(person)


def members(audience: str) -> QuerySet[Any]:
    """The active people of an audience. Raises `UnknownAudience`."""
    check(audience)
    people = _active(get_user_model()._default_manager.all())
    kind, _dot, name = audience.partition(".")
    if kind == "group":
        return people.filter(groups=int(name))
    if kind == "audience":
        return _active(_named(name))
    return people.filter(is_staff=True) if audience == STAFF else people


def _active(people: QuerySet[Any]) -> QuerySet[Any]:
    return people.filter(is_active=True) if _has("is_active") else people


def _has(field: str) -> bool:
    """A host's own user model need not have what Django's has."""
    return any(known.name == field for known in get_user_model()._meta.get_fields())


def _joined(people: Collection[Any]) -> dict[Any, list[str]]:
    """To each person's key the audiences that not everyone is in."""
    pks = [person.pk for person in people]
    groups, named = _groups_of(pks), _named_among(pks)
    return {
        person.pk: [
            *([STAFF] if getattr(person, "is_staff", False) else []),
            *(f"group.{pk}" for pk in groups.get(person.pk, ())),
            *(f"audience.{name}" for name in named[person.pk]),
        ]
        for person in people
    }


def _groups_of(person_pks: Collection[Any]) -> dict[Any, list[Any]]:
    """From the rows that join the two: a related manager for each person costs several times the query."""
    if not _has("groups"):
        return {}
    field: Any = get_user_model()._meta.get_field("groups")
    ends = field.m2m_field_name(), field.m2m_reverse_field_name()
    rows = field.remote_field.through._default_manager.filter(**{f"{ends[0]}__in": person_pks}).values_list(*ends)
    groups: dict[Any, list[Any]] = {}
    for person_pk, group_pk in sorted(rows):
        groups.setdefault(person_pk, []).append(group_pk)
    return groups


def _named_among(person_pks: Collection[Any]) -> dict[Any, list[str]]:
    """To each person the names of the named audiences that they are in."""
    names = sorted(hub_settings.audiences)
    keys = {(name, pk): f"notifications_hub:audience:{name}:{person_key(pk)}" for name in names for pk in person_pks}
    known = _kept(keys.values()) if keys else {}
    new: dict[str, bool] = {}
    for name in names:
        asked = [pk for pk in person_pks if keys[name, pk] not in known]
        members = set(_named(name).filter(pk__in=asked).values_list("pk", flat=True)) if asked else set()
        new |= {keys[name, pk]: pk in members for pk in asked}
    if new:
        _keep(new)
    is_in = {**known, **new}
    return {pk: [name for name in names if is_in[keys[name, pk]]] for pk in person_pks}


def _kept(keys: Collection[str]) -> dict[str, bool]:
    try:
        return dict(cache.get_many(keys))
    except Exception as error:  # noqa: BLE001 -- whatever a cache may raise, the database knows too
        log.warning("Memberships could not be read from the cache: %s", error)
        return {}


def _keep(memberships: Mapping[str, bool]) -> None:
    try:
        cache.set_many(dict(memberships), _MEMBERSHIP_SECONDS)
    except Exception as error:  # noqa: BLE001 -- as above
        log.warning("Memberships could not be kept in the cache: %s", error)


def _named(name: str) -> QuerySet[Any]:
    people: QuerySet[Any] = import_string(hub_settings.audiences[name])()
    return people
