"""Taking the right to listen away: rows that every hub reads each second, and at once where a hint reaches it.

`revoke()` writes such rows, and so do Django's own ways of ending a session (`signing_out.py`). What is changed behind
the model's back is found by the look at every connection, within a minute (`revalidation.py`).
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import models
from django.dispatch import Signal

from notifications_hub.conf import require_time_zones
from notifications_hub.database import transaction
from notifications_hub.database.primary import HubModel
from notifications_hub.live.session import hashed, names_of
from notifications_hub.streams.models import inbox_topic
from notifications_hub.users import Person, person_key

LONGEST_TRANSACTION = 600.0
"""Seconds for which a row may wait for the commit of its transaction and still be met."""
MOST = 1000
"""Rows of one read."""
GAPS = 500
"""Runs of missing ids that are waited for at once. SQLite takes a condition of fewer than a thousand parts."""

revoked = Signal()
"""Sent once a revocation has committed; a hint for hubs not to wait for their next look."""


class What(models.TextChoices):
    PERSON = "person"
    """Every connection of a person ends."""
    SESSION = "session"
    """Every connection of one session ends."""
    TOPIC = "topic"
    """A person's connections that listen to a topic end."""
    CHECK = "check"
    """A person's connections end whose session is no longer valid."""
    RENEW = "renew"
    """A person's connections come back, and are asked what is asked of new ones."""


class Revocation(HubModel):
    what = models.CharField(max_length=10, choices=What)
    person = models.CharField(max_length=64, blank=True)
    session = models.CharField(max_length=64, blank=True)
    topic = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.what} {self.person}{self.session[:8]} {self.topic}".strip()


@dataclass(frozen=True, slots=True)
class Revoked:
    """A row as hubs read it."""

    pk: int
    what: str
    person: str
    session: str
    topic: str


# Writing


def revoke(user: Person, topic: str | None = None, session: str | None = None) -> None:
    """Ends connections within two seconds of the commit: a person's, or only those on a topic, or of a session key.

    It takes no right away: whoever comes back is asked again by session and by the topic's rule.
    """
    if session is not None:
        revoke_sessions(names_of(session))
    elif topic is not None:
        write(What.TOPIC, person=person_key(user.pk), topic=inbox_topic(user.pk) if topic == "inbox" else topic)
    else:
        write(What.PERSON, person=person_key(user.pk))


def revoke_sessions(names: Iterable[str]) -> None:
    """End the connections of sessions, which are named as `session.py` does: by the hash of a key or of a mark."""
    _insert([Revocation(what=What.SESSION, session=hashed(name)) for name in names])


def write(what: What, *, person: str, topic: str = "") -> None:
    _insert([Revocation(what=what, person=person, topic=topic)])


def _insert(rows: list[Revocation]) -> None:
    require_time_zones()
    for row in rows:
        row.created = datetime.now(UTC)
    with transaction.atomic():
        Revocation.objects.bulk_create(rows)
        transaction.on_commit(lambda: revoked.send_robust(sender=Revocation), robust=True)


def forget_old() -> None:
    """Delete rows that every hub has read. The newest stays, so that a hub that starts knows where ids stand."""
    newest = Revocation.objects.aggregate(pk=models.Max("pk"))["pk"]
    before = datetime.now(UTC) - timedelta(seconds=2 * LONGEST_TRANSACTION)
    Revocation.objects.filter(created__lt=before, pk__lt=newest or 0).delete()


# Reading


@dataclass(frozen=True, slots=True)
class _Gap:
    """The ids `first` to `last`, of which no row has been met `since` a moment of the monotonic clock."""

    first: int
    last: int
    since: float

    def without(self, ids: Sequence[int]) -> Iterator[_Gap]:
        """Yield what is left of it. `ids` are ascending."""
        first = self.first
        for pk in ids[bisect_left(ids, self.first) : bisect_right(ids, self.last)]:
            if first < pk:
                yield _Gap(first, pk - 1, self.since)
            first = pk + 1
        if first <= self.last:
            yield _Gap(first, self.last, self.since)


class Unread:
    """The rows that this hub has not read yet. Each is given once, though rows commit out of the order of their ids.

    An id that is missing below the newest belongs to a transaction that has not committed, or never will: it is asked
    for again until a transaction can no longer be so old. One transaction may have any number of them, so they are
    kept as runs. Asks the database; one thread at a time.
    """

    def __init__(self) -> None:
        self._top: int | None = None
        self._gaps: list[_Gap] = []

    @property
    def is_new(self) -> bool:
        """Nothing was read before."""
        return self._top is None

    def take(self) -> list[Revoked]:
        """Return at most `MOST` rows that were not given before, in the order of their ids."""
        rows = self._rows()
        self._note([row.pk for row in rows])
        return rows

    def _rows(self) -> list[Revoked]:
        if self._top is None:
            return _read(Revocation.objects.order_by("-pk"))[::-1]
        wanted = models.Q(pk__gt=self._top)
        for gap in self._gaps:
            wanted |= models.Q(pk__range=(gap.first, gap.last))
        return _read(Revocation.objects.filter(wanted).order_by("pk"))

    def _note(self, given: Sequence[int]) -> None:
        now = time.monotonic()
        known = self._top
        if known is None:
            # Where the first read was not cut, no row was older than what it gave.
            known = given[0] - 1 if len(given) == MOST else 0
        self._top = max([known, *given])
        waited_for = [gap for gap in self._gaps if now - gap.since < LONGEST_TRANSACTION]
        gaps = [*waited_for, _Gap(known + 1, self._top, now)]
        self._gaps = [left for gap in gaps for left in gap.without(given)][-GAPS:]


def _read(rows: models.QuerySet[Revocation]) -> list[Revoked]:
    return [Revoked(*row) for row in rows.values_list("pk", "what", "person", "session", "topic")[:MOST]]
