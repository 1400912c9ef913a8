"""The receiver behind `notify.send()`.

It works in the caller's transaction, for a thousand people at a time. It creates the notification rows, the events for
open pages, and an armed delivery for each address of each delivery method that a person chose. It sends nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import IntegrityError, models
from django.db.models import Count
from django.dispatch import Signal
from notifications.signals import notify

from notifications_hub import streams
from notifications_hub.conf import require_time_zones
from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.database.primary import connection, from_primary
from notifications_hub.delivery import arming, preferences
from notifications_hub.delivery.planning import plans_for
from notifications_hub.escalation.planning import plan_steps
from notifications_hub.following.followed import is_unsaved
from notifications_hub.following.recipients import Followers
from notifications_hub.grouping.keys import is_damped
from notifications_hub.grouping.storms import people_in_storm
from notifications_hub.notification import Notification, emit_items
from notifications_hub.notify_arguments import BadArgument, BadRecipient, Draft, actor_of, draft_of
from notifications_hub.notify_created import CreatedForFollowers
from notifications_hub.notify_insert import Inserted, insert
from notifications_hub.notify_statement import Tables
from notifications_hub.notify_words import PersonalWords, SharedWords, words_of
from notifications_hub.signals import notification_created, send_after_commit
from notifications_hub.system_actors import SystemActor
from notifications_hub.telemetry import measures, tracing
from notifications_hub.transports import get_transport, keeps_table
from notifications_hub.transports.address_lookup import usable_transports

CHUNK = 1000
MINUTE = timedelta(minutes=1)

log = logging.getLogger(__name__)

attempted = Signal()
"""Sent in the caller's transaction, with the `draft`, the `people` and the rows `made`. For tests."""


def notify_handler(
    verb: str | None = None, *, sender: models.Model | SystemActor | None, recipient: object = None, **given: Any
) -> Sequence[Notification]:
    """Create notifications, and return them: a list, or for followers a sequence that loads them when it is read.

    It accepts every argument that django-notifications documents.

    `sender` is a saved instance, a `SystemActor`, or None: then the site notifies, and the words name nobody.
    `recipient` is a person, a group, `followers_of()` something, or a list, tuple, generator or queryset of people.
    Duplicates and inactive people are left out. If one is not a saved person, nothing is stored. `reason` is the code
    of a `FollowReason`. Keywords that name a column of the host's `NotificationExtension` go there.
    `data`, the `url` and unknown keywords are kept as data. Notifications beyond the kind's `per_minute` are dropped,
    and logged.

    Raise `NotifyError`, `UnknownKind`, or `EventTooLarge` if the event is too large to send to pages.
    """
    require_time_zones()
    given.pop("signal", None)
    draft = draft_of(verb, sender, given)
    with measures.timed(measures.notify_time), tracing.span("notify.send", kind=draft.kind.name):
        return _notify_all(draft, sender, recipient)


def _notify_all(draft: Draft, sender: object, recipient: object) -> Sequence[Notification]:
    made: list[Notification] | CreatedForFollowers = []
    if isinstance(recipient, Followers):
        made = CreatedForFollowers()
    # In a caller's transaction this is a savepoint, so that the caller may catch an error and go on.
    is_enough = _is_small(recipient) and connection.get_autocommit()
    with nullcontext() if is_enough else transaction.atomic():
        for part, people in _parts(recipient, draft, sender):
            rows = _notify(part, people)
            attempted.send(Notification, draft=part, people=people, made=rows)
            made.extend(rows)
            measures.notifications.labels(draft.kind.name).inc(len(rows))
        if made and notification_created.has_listeners(Notification):
            send_after_commit(
                notification_created, Notification, notifications=tuple(made) if isinstance(made, list) else made
            )
    return made


def _is_small(recipient: object) -> bool:
    """Return whether one statement is sure to be enough, which needs no transaction around it."""
    if isinstance(recipient, list | tuple | set | dict):
        return len(recipient) <= CHUNK
    return isinstance(recipient, get_user_model())


# Recipients


def active_people(recipient: object) -> Iterator[Any]:
    """Yield each active person once. Raise `BadRecipient` for anything but saved people."""
    known = set()
    model = get_user_model()
    if recipient is None:
        raise BadRecipient("notify.send(): give a recipient: a person, a group, or people; nobody was notified.")
    for person in _people(recipient):
        if not isinstance(person, model) or is_unsaved(person):
            raise BadRecipient(f"notify.send(): {person!r} is not a saved person; nobody was notified.")
        if person.is_active and person.pk not in known:
            known.add(person.pk)
            yield person


def _parts(recipient: object, draft: Draft, sender: object) -> Iterator[tuple[Draft, Sequence[Any]]]:
    """Yield the people in chunks, each with what they get."""
    if not isinstance(recipient, Followers):
        yield from ((draft, people) for people in chunks(_in_order(active_people(recipient), draft), CHUNK))
        return
    if draft.has_reason:
        raise BadArgument("notify.send(): each follower has a reason of their own, so give none; nobody was notified.")
    for people, reasons in recipient.chunks(without=sender):
        yield draft.for_followers(recipient.followed, reasons), people


def _in_order(people: Iterator[Any], draft: Draft) -> Iterator[Any]:
    # With a shared key, the second of two senders waits for the first at each person. In opposite orders they would
    # deadlock.
    return people if draft.dedupe_key is None else iter(sorted(people, key=attrgetter("pk")))


def _people(recipient: object) -> Iterable[Any]:
    if isinstance(recipient, Group):
        if recipient.pk is None:
            raise BadRecipient(f"notify.send(): the group {recipient!r} is not saved; nobody was notified.")
        members = from_primary(get_user_model()._default_manager.filter(groups=recipient))
        return members.order_by("pk").iterator(CHUNK)
    if isinstance(recipient, models.QuerySet):
        return recipient.iterator(CHUNK)
    if isinstance(recipient, Iterable) and not isinstance(recipient, (str, bytes, models.Model)):
        return recipient
    return [recipient]


def _notify(draft: Draft, people: Sequence[Any]) -> list[Notification]:
    if draft.kind.per_minute is not None:
        people = _not_flooded(draft, draft.kind.per_minute, people)
    if not people:
        return []
    if draft.kind.storm is not None and is_damped(draft.kind, draft.columns):
        stormy = people_in_storm(draft.kind.name, draft.kind.storm, people, draft.columns["timestamp"])
        draft = replace(draft, in_storm=stormy)
    if connection.vendor == "postgresql":
        with suppress(PersonalWords):
            return _notify_in_one_statement(draft, people, words_of(draft, people))
    with transaction.atomic(savepoint=False):
        return _notify_row_by_row(draft, people)


def _notify_in_one_statement(draft: Draft, people: Sequence[Any], words: SharedWords) -> list[Notification]:
    tables, others = _address_tables()
    with transaction.atomic(savepoint=False) if others else nullcontext():
        inserted = insert(draft, people, words, tables)
        made = [one.row for one in inserted]
        arming.count_from_commit([row.pk for row in made])
        arming.announce([one.row.pk for one in inserted if one.is_armed])
        arming.arm(plans_for(draft.kind, made, {one.row.recipient_id: one.methods for one in inserted}, others))
        _number(inserted)
    return made


def _address_tables() -> tuple[Tables, list[str]]:
    """Return the tables of transports that have one, and the names of the other transports."""
    tables, others = [], []
    for name in usable_transports():
        transport = get_transport(name)
        if not keeps_table(transport):
            others.append(name)
        elif table := transport.address_table():
            tables.append((name, table))
    return tuple(tables), others


def _number(inserted: Sequence[Inserted]) -> None:
    late = {one.topic for one in inserted if one.seq is None}
    if late:
        streams.number_on_commit(late)
    elif inserted:
        tops = {one.topic: one.seq for one in inserted if one.seq is not None}
        with tracing.inner_span("notifications_hub.number"):
            parent = tracing.traceparent()
            streams.announce_numbers(tops, dict.fromkeys(tops, parent) if parent else {})


def _notify_row_by_row(draft: Draft, people: Sequence[Any]) -> list[Notification]:
    """Insert rows first and render each with its person. SQLite, and kinds whose words differ by person, need it."""
    if draft.dedupe_key is not None:
        people = _without_duplicates(draft.dedupe_key, people)
    methods = preferences.methods_of([person.pk for person in people], draft.kind)
    rows = [draft.row(person, methods[person.pk]) for person in people]
    made = _insert(rows)
    _extend(draft, made)
    emit_items("notification.created", made)
    plan_steps(draft.kind, [row.pk for row in made])
    arming.count_from_commit([row.pk for row in made])
    arming.arm(plans_for(draft.kind, made, methods, usable_transports()))
    return made


def _without_duplicates(dedupe_key: str, people: Sequence[Any]) -> list[Any]:
    notified = Notification.objects.filter(recipient__in=people, dedupe_key=dedupe_key)
    known = set(notified.values_list("recipient", flat=True))
    return [person for person in people if person.pk not in known]


def _not_flooded(draft: Draft, most: int, people: Sequence[Any]) -> list[Any]:
    """Leave out people who already have `most` of this kind from this actor within a minute.

    One query, served by the inbox index. Only committed rows count, so parallel senders may each add one more.
    """
    at = draft.columns["timestamp"]
    actor = {"actor_content_type": draft.columns.get("actor_content_type")}
    actor["actor_object_id"] = draft.columns["actor_object_id"]
    recent = Notification.objects.filter(
        recipient__in=people, kind=draft.kind.name, timestamp__gt=at - MINUTE, timestamp__lt=at + MINUTE, **actor
    )
    counts = recent.order_by().values("recipient").annotate(number=Count("pk"))
    flooded = set(counts.filter(number__gte=most).values_list("recipient", flat=True))
    if flooded:
        log.warning("%s: left out %d people who got %d from one actor in a minute", draft.kind.name, len(flooded), most)
    return [person for person in people if person.pk not in flooded]


def _insert(rows: list[Notification]) -> list[Notification]:
    if not rows or rows[0].dedupe_key is None:
        return Notification.objects.bulk_create(rows)
    try:
        with transaction.atomic():
            return Notification.objects.bulk_create(rows)
    except IntegrityError:
        # Another sender inserted since the query above. Row by row, the constraint decides which was first.
        return [row for row in rows if _is_first(row)]


def _extend(draft: Draft, made: Sequence[Notification]) -> None:
    """Insert a host's columns of new notifications."""
    if draft.extension is not None:
        extended = [draft.extension.for_notification(row) for row in made]
        type(draft.extension)._base_manager.bulk_create(extended)


def _is_first(row: Notification) -> bool:
    try:
        with transaction.atomic():
            row.pk = None
            row.save(force_insert=True)
    except IntegrityError:
        return False
    return True


class _NotifySignal(Signal):
    """A signal that rejects an unsaved sender with a remedy.

    Without it, Django raises before any receiver runs, and only says that the sender is unhashable. None is the site.
    """

    def send(self, sender: object, **named: Any) -> Any:
        return super().send(actor_of(sender), **named)

    async def asend(self, sender: object, **named: Any) -> Any:
        return await super().asend(actor_of(sender), **named)


def take_over_signal() -> None:
    """Replace the package's receiver by ours, in whichever order the apps are set up.

    Django ignores a second receiver with the same `dispatch_uid`, so theirs is ignored if it comes later. Hosts may
    have imported the signal already, so its class is changed instead of the object.
    """
    notify.__class__ = _NotifySignal
    uid = "notifications.models.notification"
    notify.disconnect(dispatch_uid=uid)
    notify.connect(notify_handler, dispatch_uid=uid)
