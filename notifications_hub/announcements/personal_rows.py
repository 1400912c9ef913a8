"""People's own rows of announcements: created when they look, and without an event, as nothing changes for them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.utils import timezone

from notifications_hub import audiences
from notifications_hub.announcements.methods import has_toast, methods_for
from notifications_hub.announcements.models import Announcement, RowsThrough
from notifications_hub.announcements.queryset import KIND, AnnouncementQuerySet
from notifications_hub.database import transaction
from notifications_hub.database.insert_select import insert_select
from notifications_hub.database.primary import connection
from notifications_hub.delivery import preferences
from notifications_hub.delivery.models import DeliveredThrough
from notifications_hub.kinds import DeliveryMethod, kind_of
from notifications_hub.notification import Notification
from notifications_hub.users import Person


def running_for(person: Person) -> AnnouncementQuerySet:
    return Announcement.objects.running().filter(audience__in=audiences.topics_of(person))


@dataclass(frozen=True, slots=True)
class Lacking:
    """A current announcement that a person has no row for. `seq` is None until its number is recorded."""

    pk: int
    audience: str
    seq: int | None
    methods: Sequence[str] | None
    urgency: str
    is_banner: bool
    is_running: bool

    def delivered_by(self, preferred: Collection[str]) -> frozenset[str]:
        """Return the delivery methods that reach a person. A banner stays on the next pages, so none flashes it."""
        methods = methods_for(self.methods, self.urgency, preferred)
        return methods - {DeliveryMethod.FLASH} if self.is_banner else methods


def without_row(person: Person) -> list[Lacking]:
    """Return the current announcements of a person's audiences that they have no row for. It reads only new ones.

    An announcement that has ended stays current for about a second, and then has `is_running` False.
    """
    topics = audiences.topics_of(person)
    person_pk = Notification._meta.get_field("recipient").get_db_prep_value(person.pk, connection)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as sql:
        # One condition per audience, so that each becomes a range of the index.
        sql.execute(
            _WITHOUT_ROW.format(beyond=" OR ".join([_BEYOND] * len(topics)), names=", ".join(["%s"] * len(topics))),
            [now, *topics, *(value for topic in topics for value in (topic, person_pk, topic)), person_pk],
        )
        return [
            Lacking(pk, audience, seq, methods and json.loads(methods), urgency, bool(is_banner), bool(is_running))
            for pk, audience, seq, methods, urgency, is_banner, is_running in sql.fetchall()
        ]


_BEYOND = """(audience = %s AND seq > COALESCE(
    (SELECT seq FROM notifications_hub_rowsthrough WHERE person_id = %s AND audience = %s), 0))"""
_WITHOUT_ROW = """
    SELECT id, audience, seq, CAST(methods AS text), urgency, is_banner, ends_at > %s
    FROM notifications_hub_announcement AS one
    WHERE announced_at IS NOT NULL AND withdrawn_at IS NULL AND ((seq IS NULL AND audience IN ({names})) OR {beyond})
    AND NOT EXISTS (
        SELECT 1 FROM notifications_hub_notification WHERE recipient_id = %s AND announcement_id = one.id
    )"""
"""Written as SQL because every page asks it: the ORM would spend a millisecond on building it."""


def make_rows(person: Person) -> None:
    """Create the person's missing rows. Idempotent and without an event, as nothing changes for the person.

    Rows are also made for announcements that have just ended. If the end moves, nobody lacks a row.
    """
    lacking = without_row(person)
    if not lacking:
        return
    # Numbers come from the statement that found them. An announcement that it did not see will get a higher number.
    through: dict[str, int] = {}
    for one in lacking:
        if one.seq is not None:
            through[one.audience] = max(one.seq, through.get(one.audience, 0))
    with transaction.atomic():
        _insert_rows(person, lacking)
        RowsThrough.objects.bulk_create(
            [RowsThrough(person=person, audience=audience, seq=seq) for audience, seq in sorted(through.items())],
            update_conflicts=True,
            unique_fields=["person", "audience"],
            update_fields=["seq"],
        )


def _insert_rows(person: Person, lacking: Collection[Lacking]) -> None:
    preferred = _methods(person)
    of_methods: dict[tuple[bool, bool, bool], list[int]] = {}
    for one in lacking:
        methods = one.delivered_by(preferred)
        key = DeliveryMethod.LIVE in methods, DeliveryMethod.FLASH in methods, has_toast(one.methods)
        of_methods.setdefault(key, []).append(one.pk)
    for (toast, flash, may_be_shown), announcements in of_methods.items():
        shown = _acknowledgements(person) if may_be_shown else DeliveredThrough.objects.none()
        _insert(person, announcements, shown, toast=toast, flash=flash)


def _insert(
    person: Person,
    announcements: Collection[int],
    shown: models.QuerySet[DeliveredThrough],
    *,
    toast: bool,
    flash: bool,
) -> None:
    acknowledged = models.Exists(shown)
    insert_select(
        Notification,
        Announcement.objects.filter(pk__in=announcements).order_by("pk"),
        {
            "recipient": person.pk,
            "announcement": models.F("pk"),
            "kind": KIND,
            "level": models.F("level"),
            "verb": KIND,
            "timestamp": models.F("announced_at"),
            "committed_at": models.F("announced_at"),
            "toast": toast,
            "flash": flash,
            "must_acknowledge": models.F("must_acknowledge"),
            "delivered_at": models.Case(models.When(acknowledged, then=models.Value(timezone.now()))),
            "delivered_by": models.Case(
                models.When(acknowledged, then=models.Value(DeliveryMethod.LIVE.value)), default=models.Value("")
            ),
        },
    )


def _acknowledgements(person: Person) -> models.QuerySet[DeliveredThrough]:
    """Return the ranges that cover the announcement of the outer query: one of this person's pages showed it."""
    return DeliveredThrough.objects.filter(
        person=person,
        topic=models.OuterRef("audience"),
        start__lt=models.OuterRef("seq"),
        seq__gte=models.OuterRef("seq"),
    )


def count_flashable(person: Person, before: datetime) -> int:
    """Count the announcements without a row that the next page would flash: announced before a moment, not shown."""
    lacking = [one for one in without_row(person) if one.is_running]
    preferred = _methods(person) if lacking else frozenset()
    flashable = [one for one in lacking if DeliveryMethod.FLASH in one.delivered_by(preferred)]
    if not flashable:
        return 0
    toastless = models.Q(pk__in=[one.pk for one in flashable if not has_toast(one.methods)])
    unshown = toastless | ~models.Exists(_acknowledgements(person))
    wanted = [one.pk for one in flashable]
    return Announcement.objects.filter(unshown, pk__in=wanted, announced_at__lt=before).count()


def _methods(person: Person) -> frozenset[str]:
    return preferences.methods_of([person.pk], kind_of(KIND))[person.pk]
