"""The banners of this moment. A process keeps them for some seconds, so a page that has none costs no statement."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from notifications_hub import audiences
from notifications_hub.announcements.banners.rules import is_shown_on, paths_of
from notifications_hub.announcements.models import Announcement
from notifications_hub.database import transaction
from notifications_hub.database.primary import connection
from notifications_hub.notification import Notification
from notifications_hub.users import Person

SECONDS = 5.0
"""Seconds for which a process may render banners that another process changed. Open pages hear of it at once."""


@dataclass(frozen=True, slots=True)
class _Kept:
    banners: Sequence[Announcement]
    until: float


_kept = _Kept((), 0.0)
_changes = 0
_asked = 0
"""How often this process has asked the database."""
_asking = threading.Lock()


@dataclass(frozen=True, slots=True)
class Sorted:
    """The current banners of one visitor: those to show, and those that they dismissed."""

    shown: Sequence[Announcement]
    dismissed: Sequence[Announcement]


def stored() -> Sequence[Announcement]:
    """Return the current banners from the database, newest first: one statement, and one for translations."""
    return list(Announcement.objects.banners().prefetch_related("translations"))


def kept() -> Sequence[Announcement]:
    """Return the current banners as this process knows them, newest first."""
    if _is_uncommitted():
        return stored()
    if time.monotonic() >= _kept.until:
        _renew_once(_asked)
    now = timezone.now()
    return [banner for banner in _kept.banners if banner.ends_at > now]


def _renew_once(asked: int) -> None:
    """Ask the database, unless another page does or has done so meanwhile. Without banners of earlier, wait for it."""
    if _asking.acquire(blocking=not _kept.until):
        try:
            # If the page before has failed, the database is away: the pages that waited must not ask it in turn.
            if asked == _asked:
                _renew()
        finally:
            _asking.release()


def _renew() -> None:
    global _kept, _asked  # noqa: PLW0603 -- one per process
    _asked += 1
    before = _changes
    found = stored()
    # After a change that came meanwhile, the next page asks again.
    _kept = _Kept(found, time.monotonic() + SECONDS if before == _changes else 0.0)


def _is_uncommitted() -> bool:
    """Return whether this transaction has changed a banner. What it reads may be rolled back, so it is not kept."""
    return any(callback is forget for _savepoints, callback, *_ in transaction.get_connection().run_on_commit)


def forget() -> None:
    """Have the next page of this process ask the database."""
    global _kept, _changes  # noqa: PLW0603 -- as above
    _changes += 1
    _kept = _Kept((), 0.0)


def forget_on_commit() -> None:
    """Forget the banners once the caller's transaction commits. Until then only that transaction sees its change."""
    transaction.on_commit(forget, robust=True)


def on_path(banners: Sequence[Announcement], path: str) -> list[Announcement]:
    return [banner for banner in banners if is_shown_on(paths_of(banner.banner_paths), path)]


def sorted_for(
    person: Person | AnonymousUser, banners: Sequence[Announcement], remembered: Collection[int] = ()
) -> Sorted:
    """Sort banners for a visitor, in one statement at most. `remembered` are those that a visitor's cookie lists."""
    if not person.is_authenticated:
        visible = [banner for banner in banners if banner.is_banner_public]
        dismissed = set(remembered)
    else:
        found = _of_person(person, banners)
        visible = [banner for banner in banners if banner.pk in found]
        dismissed = {pk for pk, is_dismissed in found.items() if is_dismissed}
    gone = [banner for banner in visible if banner.is_banner_dismissable and banner.pk in dismissed]
    return Sorted([banner for banner in visible if banner not in gone], gone)


def _of_person(person: Person, banners: Sequence[Announcement]) -> dict[int, bool]:
    """Return the banners for this person by primary key, each with whether they dismissed it."""
    if all(banner.audience == audiences.EVERYONE and not banner.is_banner_dismissable for banner in banners):
        return dict.fromkeys((banner.pk for banner in banners), False)
    audience, topics = audiences.condition_for(person)
    ids = {f"banner{number}": banner.pk for number, banner in enumerate(banners)}
    names = ", ".join(f"%({name})s" for name in ids)
    person_pk = Notification._meta.get_field("recipient").get_db_prep_value(person.pk, connection)
    given = {"person": person_pk, "now": connection.ops.adapt_datetimefield_value(timezone.now()), **ids, **topics}
    with connection.cursor() as sql:
        sql.execute(_OF_PERSON.format(ids=names, audience=audience), given)
        return {pk: bool(is_dismissed) for pk, is_dismissed in sql.fetchall()}


_OF_PERSON = """
    SELECT id, EXISTS (
        SELECT 1 FROM notifications_hub_bannerdismissal
        WHERE person_id = %(person)s AND announcement_id = one.id
    ) FROM notifications_hub_announcement AS one WHERE id IN ({ids}) AND {audience}"""
"""Raw SQL, as every page with a banner asks it."""
