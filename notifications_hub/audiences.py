"""Audiences of announcements: `everyone`, `staff`, `group.<pk>`, people chosen by hand, or one that the host declares.

`NOTIFICATIONS_HUB["AUDIENCES"]` maps a name to a callable that returns the members as a queryset of people. The topic
of such an audience is `audience.<name>`. People chosen by hand are `chosen.<pk>` (`audience_lists.py`). An audience is
the topic on which its announcements are logged.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Group
from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Cast, Concat, Now
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from notifications_hub import audience_lists
from notifications_hub.audience_lists import AudienceListMember
from notifications_hub.cache_keys import cache_key
from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.database.primary import connection, from_primary
from notifications_hub.guarded_cache import cache, level_of
from notifications_hub.users import Person, person_key

EVERYONE = "everyone"
STAFF = "staff"
PUBLIC_BANNERS = "announcement.banners.public"
"""No audience, but the topic of the banners for visitors who are not signed in."""
_MEMBERSHIP_SECONDS = 60
"""Seconds that pages cache a membership. Connections never use the cache: it would double their delay of 60 s."""
_LOOKED_UP = "_notifications_hub_audiences"

log = logging.getLogger(__name__)


class UnknownAudience(ValueError):
    """Raised when an audience is not declared."""


def choices() -> list[tuple[str, str]]:
    """Return the audiences an admin may choose from, each with its label."""
    staff = [(STAFF, _("Staff"))] if _has("is_staff") else []
    groups = from_primary(Group.objects.order_by("name")) if _has("groups") else []
    named = [(f"audience.{name}", name) for name in sorted(hub_settings.audiences)]
    return [(EVERYONE, _("Everyone")), *staff, *((f"group.{group.pk}", str(group)) for group in groups), *named]


def check(audience: str) -> str:
    """Return the audience. Raise `UnknownAudience`, listing the declared ones, if there is none of that name."""
    if audience_lists.list_of(audience) is not None:
        return audience
    known = [name for name, _label in choices()]
    if audience not in known:
        raise UnknownAudience(f"{audience!r} is not an audience; choose one of {', '.join(known)}.")
    return audience


def is_audience(topic: str) -> bool:
    """Return whether a topic's name is that of an audience. The audience need not exist."""
    return topic in (EVERYONE, STAFF) or topic.startswith(("group.", "audience.", audience_lists.PREFIX))


def topics_of(person: Person | AnonymousUser) -> list[str]:
    """Return the audiences a person belongs to. One query, plus one per named audience at most once a minute.

    The object keeps the answer, as Django's users keep their permissions. A page so asks once, and the next one anew.
    """
    if not person.is_authenticated:
        return []
    looked_up = getattr(person, _LOOKED_UP, None)
    if looked_up is None:
        looked_up = _joined([person], _named_of(person))[person.pk]
        setattr(person, _LOOKED_UP, looked_up)
    return [EVERYONE, *looked_up]


def condition_for(person: Person) -> tuple[str, dict[str, str]]:
    """Return a SQL condition for an `audience` that the person belongs to.

    Its parameters are the returned ones, `person` and `now`. It answers as `topics_of` does. Groups and lists are
    subqueries, so a page need not look them up in advance.
    """
    looked_up: Collection[str] | None = getattr(person, _LOOKED_UP, None)
    joined = ""
    if looked_up is None:
        joined = _LISTS + (_GROUPS.format(**_group_columns()) if _has("groups") else "")
        looked_up = [*_staff(person), *(f"audience.{name}" for name in _named_of(person)[person.pk])]
    names = {f"audience{number}": name for number, name in enumerate([EVERYONE, *looked_up])}
    return f"(audience IN ({', '.join(f'%({name})s' for name in names)}){joined})", names


_LISTS = """ OR audience IN (
    SELECT 'chosen.' || list_id FROM notifications_hub_audiencelistmember
    WHERE person_id = %(person)s AND until > %(now)s
)"""
_GROUPS = " OR audience IN (SELECT 'group.' || {group} FROM {table} WHERE {member} = %(person)s)"


def _group_columns() -> dict[str, str]:
    field: Any = get_user_model()._meta.get_field("groups")
    quote = connection.ops.quote_name
    names = {"table": field.m2m_db_table(), "member": field.m2m_column_name(), "group": field.m2m_reverse_name()}
    return {name: quote(column) for name, column in names.items()}


def look_up(people: Collection[Any]) -> None:
    """Query the audiences of these people now, and store them on the objects for `topics_of`.

    One query for all their groups and lists, and one for each named audience. Connections are checked at admission and
    once a minute. With a cached answer, a person who left an audience could listen for twice as long.
    """
    joined = _joined(people, _named_now([person.pk for person in people]))
    for person in people:
        setattr(person, _LOOKED_UP, joined[person.pk])


def lists_of(person: Person) -> QuerySet[Any, Any]:
    """Return the names of all lists that a person was chosen for, also those that are over, for a subquery."""
    theirs = AudienceListMember.objects.filter(person=person.pk)
    return theirs.annotate(audience=_named_by(audience_lists.PREFIX, "list")).values("audience")


def contains(audience: str, person: Person | AnonymousUser) -> bool:
    return audience in topics_of(person)


def members(audience: str) -> QuerySet[Any]:
    """Return the active people of an audience. Raise `UnknownAudience` if it is not declared."""
    check(audience)
    people = active_people()
    kind, _dot, name = audience.partition(".")
    if kind == "group":
        return people.filter(groups=int(name))
    if kind == "audience":
        return _active(_named(name))
    if audience_lists.is_list(audience):
        return people.filter(pk__in=AudienceListMember.objects.filter(list=int(name)).values("person"))
    return people.filter(is_staff=True) if audience == STAFF else people


def active_people() -> QuerySet[Any]:
    return _active(from_primary(get_user_model()._default_manager.all()))


def _active(people: QuerySet[Any]) -> QuerySet[Any]:
    return people.filter(is_active=True) if _has("is_active") else people


def _has(field: str) -> bool:
    """Return whether the user model has a field. A host's own model may lack fields of Django's."""
    return any(known.name == field for known in get_user_model()._meta.get_fields())


def _joined(people: Collection[Any], named: Mapping[Any, list[str]]) -> dict[Any, list[str]]:
    """Return, per user id, the audiences they belong to besides `everyone`."""
    joined = _groups_and_lists_of([person.pk for person in people])
    return {
        person.pk: [
            *_staff(person),
            *joined.get(person.pk, ()),
            *(f"audience.{name}" for name in named[person.pk]),
        ]
        for person in people
    }


def _staff(person: Person) -> list[str]:
    return [STAFF] if getattr(person, "is_staff", False) else []


def _groups_and_lists_of(person_pks: Collection[Any]) -> dict[Any, list[str]]:
    """Return groups and current lists per user id, in one query."""
    current = AudienceListMember.objects.filter(person__in=person_pks, until__gt=Now())
    rows = current.values_list("person", _named_by(audience_lists.PREFIX, "list"))
    if _has("groups"):
        rows = _group_rows(person_pks).union(rows, all=True)
    joined: dict[Any, list[str]] = {}
    for person_pk, audience in rows:
        joined.setdefault(person_pk, []).append(audience)
    return joined


def _group_rows(person_pks: Collection[Any]) -> QuerySet[Any, Any]:
    """Read the join table. A related manager per person costs several times more."""
    field: Any = get_user_model()._meta.get_field("groups")
    person, group = field.m2m_field_name(), field.m2m_reverse_field_name()
    memberships = from_primary(field.remote_field.through._default_manager.all())
    theirs: QuerySet[Any, Any] = memberships.filter(**{f"{person}__in": person_pks})
    return theirs.values_list(person, _named_by("group.", group))


def _named_by(prefix: str, column: str) -> Concat:
    return Concat(Value(prefix), Cast(column, CharField()), output_field=CharField())


def _named_of(person: Person) -> dict[Any, list[str]]:
    """Return one person's named audiences, keyed by their user id, from the cache if it has them."""
    kept = _kept(person.pk) if hub_settings.audiences else None
    # A cached entry may come from settings that named other audiences.
    if kept is None or kept.keys() != set(hub_settings.audiences):
        try:
            return _named_now([person.pk])
        except Exception:
            if not connection.is_usable():
                raise
            # A host's audience that raises must not break every page. Connections are not admitted meanwhile.
            log.exception("The named audiences of a person cannot be read")
            return {person.pk: []}
    return {person.pk: sorted(name for name, is_in in kept.items() if is_in)}


def forget_memberships(person_pk: Any) -> None:
    """Remove a person's named audiences from the cache."""
    try:
        cache.delete(_key(person_pk))
    except Exception as error:  # noqa: BLE001 -- a cache may raise anything, and the entry expires by itself
        log.log(level_of(error), "Could not remove memberships from the cache: %s", error)


def _named_now(person_pks: Collection[Any]) -> dict[Any, list[str]]:
    """Return the named audiences per user id from the database, and cache them for pages."""
    names = sorted(hub_settings.audiences)
    # With a savepoint, a query of the host's that fails does not fail the caller's transaction.
    with transaction.atomic() if names and connection.in_atomic_block else nullcontext():
        members = {name: set(_named(name).filter(pk__in=person_pks).values_list("pk", flat=True)) for name in names}
    if names and person_pks:
        _keep({pk: {name: pk in members[name] for name in names} for pk in person_pks})
    return {pk: [name for name in names if pk in members[name]] for pk in person_pks}


def _key(person_pk: Any) -> str:
    return cache_key("audiences", person_key(person_pk))


def _kept(person_pk: Any) -> Mapping[str, bool] | None:
    try:
        kept: Mapping[str, bool] | None = cache.get(_key(person_pk))
    except Exception as error:  # noqa: BLE001 -- a cache may raise anything, and the database has the answer too
        log.log(level_of(error), "Could not read memberships from the cache: %s", error)
        return None
    return kept


def _keep(memberships: Mapping[Any, Mapping[str, bool]]) -> None:
    try:
        cache.set_many({_key(pk): named for pk, named in memberships.items()}, _MEMBERSHIP_SECONDS)
    except Exception as error:  # noqa: BLE001 -- as above
        log.log(level_of(error), "Could not store memberships in the cache: %s", error)


def _named(name: str) -> QuerySet[Any]:
    people: QuerySet[Any] = import_string(hub_settings.audiences[name])()
    return from_primary(people)
