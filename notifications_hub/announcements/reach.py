"""Count the people an announcement is for, and those whom each delivery method can reach.

Numbers are kept for a minute. Counting all of them takes `SECONDS` at most; what is not counted by then is estimated.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications_hub import audience_lists, audiences
from notifications_hub.announcements.methods import all_methods
from notifications_hub.announcements.queryset import KIND
from notifications_hub.cache_keys import cache_key
from notifications_hub.database import transaction
from notifications_hub.database.quick_count import Precision, RowCount, quick_count
from notifications_hub.delivery.models import Preference
from notifications_hub.guarded_cache import cache, level_of
from notifications_hub.kinds import EVERY_KIND, DeliveryMethod, Urgency, kind_of, method_name
from notifications_hub.transports import default_methods, get_transport, keeps_table, locked_methods

SECONDS = 0.15
_KEPT_SECONDS = 60
_ON_PAGES = (DeliveryMethod.LIVE.value, DeliveryMethod.FLASH.value)

log = logging.getLogger(__name__)


class AudienceFailed(Exception):
    """Raised when the queryset of a host's audience raises. The text names the error."""


@dataclass(frozen=True, slots=True)
class MethodReach:
    """A delivery method, and the people whom it can reach. None if there was no time to count them.

    If it is not `countable`, only its transport knows their addresses, and is asked when something is sent.
    """

    method: str
    people: RowCount | None
    countable: bool = True

    @property
    def name(self) -> str:
        return method_name(self.method)

    @property
    def words(self) -> str:
        return size_in_words(self.people) if self.countable else _("cannot be counted before it is sent")


@dataclass(frozen=True, slots=True)
class Reach:
    """The people of an audience, and those whom each delivery method can reach."""

    people: RowCount | None
    methods: Sequence[MethodReach]

    @property
    def words(self) -> str:
        return size_in_words(self.people)


def reach_of(audience: str, methods: Collection[str] | None, urgency: str) -> Reach:
    """Return the reach of an audience by these delivery methods (None: by all of the site).

    Raise `UnknownAudience`, or `AudienceFailed` if it is a host's and raises.
    """
    return _reach(_members(audience), methods, urgency, key=audience)


def reach_among(people: Collection[Any], methods: Collection[str] | None, urgency: str) -> Reach:
    """Return the reach among these people, given by their primary keys."""
    return _reach(audiences.active_people().filter(pk__in=people), methods, urgency, key="")


def size_of(audience: str) -> RowCount | None:
    """Return the number of people in an audience. Raise as `reach_of` does."""
    return _counted(_members(audience), _key(audience, "people"), time.monotonic() + SECONDS)


def check_readable(audience: str) -> None:
    """Raise as `reach_of` does if an audience is unknown or cannot be read."""
    _failing(lambda: _members(audience).exists())


def size_in_words(count: RowCount | None) -> str:
    return _("too many people to count now") if count is None else in_words(count)


def in_words(count: RowCount) -> str:
    number = number_format(count.rounded, force_grouping=True)
    if count.precision is Precision.ABOUT:
        return ngettext("about %(number)s person", "about %(number)s people", count.rounded) % {"number": number}
    if count.precision is Precision.AT_LEAST:
        return _("more than %(number)s people") % {"number": number}
    return ngettext("%(number)s person", "%(number)s people", count.rounded) % {"number": number}


def _members(audience: str) -> QuerySet[Any]:
    members: QuerySet[Any] = _failing(lambda: audiences.members(audience))
    return members


def _reach(members: QuerySet[Any], methods: Collection[str] | None, urgency: str, *, key: str) -> Reach:
    until = time.monotonic() + SECONDS
    # Without an order, as a host's audience may have one that costs more than counting.
    members = members.order_by()
    people = _counted(members, _key(key, "people"), until)
    wanted = all_methods() if methods is None else [name for name in all_methods() if name in methods]
    is_critical = urgency == Urgency.CRITICAL
    by_method = [_method_reach(name, members, is_critical, key, until) for name in wanted]
    return Reach(people, [_within(people, one) for one in by_method])


def _within(everybody: RowCount | None, found: MethodReach) -> MethodReach:
    """Return the reach, but no more than everybody. The estimate of a part may be larger than the whole."""
    if everybody is None or everybody.precision is Precision.AT_LEAST or found.people is None:
        return found
    if found.people.number <= everybody.number:
        return found
    return replace(found, people=replace(found.people, number=everybody.number))


def _method_reach(name: str, members: QuerySet[Any], is_critical: bool, key: str, until: float) -> MethodReach:
    try:
        people = _with_address(name, members)
        if people is None:
            return MethodReach(name, None, countable=False)
        if not is_critical:
            people = _wanting(name, people)
        return MethodReach(name, _counted(people, _key(key, name, is_critical), until))
    except AudienceFailed:
        # The audience itself was counted, so the transport's table failed, or both together.
        return MethodReach(name, None, countable=False)


def _with_address(name: str, members: QuerySet[Any]) -> QuerySet[Any] | None:
    """Return the people with an address. None if only the transport knows them."""
    if name in _ON_PAGES:
        return members
    try:
        transport = get_transport(name)
        if not keeps_table(transport):
            return None
        table = transport.address_table()
    except Exception:
        log.exception("The addresses of %r cannot be counted", name)
        return None
    if table is None:
        return members.none()
    owners = f"SELECT address.{table.owner} FROM {table.name} AS address WHERE address.{table.usable}"  # noqa: S608 -- a transport's own names
    return members.filter(pk__in=RawSQL(owners, ()))  # noqa: S611 -- as above


def _wanting(name: str, people: QuerySet[Any]) -> QuerySet[Any]:
    """Leave out people who do not want announcements by a delivery method."""
    kind = kind_of(KIND)
    if name in locked_methods(kind):
        return people
    chosen, off = _choices(kind.name), _choices(EVERY_KIND).filter(names__contains=f'"{name}"')
    if name in default_methods(kind):
        lacking = chosen.exclude(names__contains=f'"{name}"')
        return people.filter(~Exists(lacking), Exists(chosen) | ~Exists(off))
    return people.filter(Exists(chosen.filter(names__contains=f'"{name}"')))


def _choices(kind: str) -> QuerySet[Any]:
    """Return people's choices for a kind, for a query of people, with the methods as a text."""
    chosen = Preference.objects.filter(person=OuterRef("pk"), kind=kind, methods__isnull=False)
    return chosen.annotate(names=Cast("methods", TextField()))


def _counted(people: QuerySet[Any], key: str, until: float) -> RowCount | None:
    kept = _kept(key)
    if kept is not None:
        return kept[0]
    counted: RowCount | None = _failing(lambda: quick_count(people, until - time.monotonic()))
    if key:
        _keep(key, counted)
    return counted


def _failing(ask: Any) -> Any:
    """Return the answer. Raise `AudienceFailed` for what a host's code or query raises."""
    try:
        # The savepoint keeps the caller's transaction, whatever a host's query did.
        with transaction.atomic():
            return ask()
    except (audiences.UnknownAudience, AudienceFailed):
        raise
    except Exception as error:
        log.exception("An audience cannot be read")
        raise AudienceFailed(f"{type(error).__name__}: {error}") from error


def _key(audience: str, *about: object) -> str:
    # A list is counted quickly. After a rollback, another one may get its name.
    return cache_key("reach", audience, *about) if audience and not audience_lists.is_list(audience) else ""


def _kept(key: str) -> tuple[RowCount | None] | None:
    """Return what the cache has: a count, or None in its place if counting took too long."""
    try:
        kept: tuple[int, str] | None = cache.get(key) if key else None
    except Exception as error:  # noqa: BLE001 -- a cache may raise anything, and the database has the answer too
        log.log(level_of(error), "Could not read a count from the cache: %s", error)
        return None
    if kept is None:
        return None
    return (RowCount(kept[0], Precision(kept[1])) if kept[1] else None,)


def _keep(key: str, count: RowCount | None) -> None:
    stored = (0, "") if count is None else (count.number, count.precision.value)
    try:
        cache.set(key, stored, _KEPT_SECONDS)
    except Exception as error:  # noqa: BLE001 -- as above
        log.log(level_of(error), "Could not store a count in the cache: %s", error)
