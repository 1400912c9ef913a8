"""Revocations: rows that end connections. Every hub reads them each second, and immediately after a hint.

`revoke()` writes such rows, and so do Django's own ways of ending a session (`signing_out.py`). A change behind the
models' back is found within a minute, when each connection is re-validated (`revalidation.py`).
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.dispatch import Signal

from notifications_hub.conf import require_time_zones
from notifications_hub.database import transaction
from notifications_hub.database.primary import HubModel
from notifications_hub.live.session import names_of
from notifications_hub.live.visitor import hashed
from notifications_hub.streams.models import inbox_topic
from notifications_hub.users import Person, person_key

LONGEST_TRANSACTION = 600.0
"""Longest time, in seconds, between a row's insert and its commit for hubs to still find it."""
LONGEST_TOKEN = 3600.0
"""Longest life of a connection token, in seconds. A row is kept longer, because it may refuse a token until then."""
MOST = 1000
"""The most rows in one read."""
GAPS = 500
"""The most runs of missing ids to wait for. SQLite accepts fewer than a thousand parts in a condition."""

revoked = Signal()
"""Sent after a revocation has committed, as a hint for hubs not to wait for their next read."""


class RevocationType(models.TextChoices):
    PERSON = "person"
    """End every connection of a person."""
    SESSION = "session"
    """End every connection of one session or token."""
    TOPIC = "topic"
    """End a person's connections that listen to a topic. Without a person: those of anonymous visitors."""
    CHECK = "check"
    """End a person's connections whose session is no longer valid."""
    RENEW = "renew"
    """Make a person's connections reconnect, and so pass admission again."""


class Revocation(HubModel):
    what = models.CharField(max_length=10, choices=RevocationType)
    person = models.CharField(max_length=64, blank=True)
    session = models.CharField(max_length=64, blank=True)
    topic = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(db_index=True)

    class Meta(HubModel.Meta):
        indexes = [
            models.Index(fields=["session"], name="hub_revocation_session"),
            models.Index(fields=["person"], name="hub_revocation_person"),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.person}{self.session[:8]} {self.topic}".strip()


# Writing


def revoke(
    user: Person | AnonymousUser, topic: str | None = None, session: str | None = None, *, token: str | None = None
) -> None:
    """End a person's connections within two seconds of the commit, or only those on a topic, of a session or a token.

    `session` is a session's key, and `token` the id of a connection token. Tokens that end in this way stay invalid.
    Nothing else is removed: a client that reconnects is checked by its session and by the topic's rule. With Django's
    `AnonymousUser` and a `topic`, the connections of all visitors who are not signed in end on this topic.
    """
    if not user.is_authenticated:
        if topic is None:
            raise ValueError("Name the topic that anonymous visitors may no longer listen to.")
        write(RevocationType.TOPIC, person="", topic=topic)
    elif token is not None:
        revoke_sessions([token_name(user.pk, token)])
    elif session is not None:
        revoke_sessions(names_of(session))
    elif topic is not None:
        write(
            RevocationType.TOPIC, person=person_key(user.pk), topic=inbox_topic(user.pk) if topic == "inbox" else topic
        )
    else:
        write(RevocationType.PERSON, person=person_key(user.pk))


def token_name(person_pk: object, token_id: str) -> str:
    """Return the name by which a revocation refers to a token. Another person's token has another name."""
    return f"token:{person_key(person_pk)}:{token_id}"


def revoke_sessions(names: Iterable[str]) -> None:
    """End the connections of sessions or tokens, named by a key, a mark or `token_name`. Only hashes are stored."""
    _insert([Revocation(what=RevocationType.SESSION, session=hashed(name)) for name in names])


def write(what: RevocationType, *, person: str, topic: str = "") -> None:
    _insert([Revocation(what=what, person=person, topic=topic)])


def _insert(rows: list[Revocation]) -> None:
    require_time_zones()
    for row in rows:
        row.created = datetime.now(UTC)
    with transaction.atomic():
        Revocation.objects.bulk_create(rows)
        transaction.on_commit(lambda: revoked.send_robust(sender=Revocation), robust=True)


def forget_old() -> None:
    """Delete rows that every hub has read and no token outlives.

    Keep the newest, which gives a starting hub the current id.
    """
    newest = Revocation.objects.aggregate(pk=models.Max("pk"))["pk"]
    before = datetime.now(UTC) - timedelta(seconds=LONGEST_TOKEN + 2 * LONGEST_TRANSACTION)
    Revocation.objects.filter(created__lt=before, pk__lt=newest or 0).delete()


# Reading


@dataclass(frozen=True, slots=True)
class Revoked:
    """A revocation as hubs read it."""

    pk: int
    what: str
    person: str
    session: str
    topic: str


class Revocations:
    """The revocations of some tokens, by the hashed names and the people that they may refer to. One query."""

    def __init__(self, sessions: Collection[str], people: Collection[str]) -> None:
        rows = Revocation.objects.filter(
            models.Q(session__in=sessions) | models.Q(person__in=people, what=RevocationType.PERSON)
        )
        self._sessions: set[str] = set()
        self._people: dict[str, datetime] = {}
        for session, person, created in rows.values_list("session", "person", "created").order_by("created"):
            if session:
                self._sessions.add(session)
            else:
                self._people[person] = created

    def ends(self, sessions: Iterable[str], person: str, issued: datetime) -> bool:
        """Return whether a token of these names, issued to a person at a time, was revoked."""
        last = self._people.get(person)
        return not self._sessions.isdisjoint(sessions) or (last is not None and last >= issued)


@dataclass(frozen=True, slots=True)
class _Gap:
    """The ids `first` to `last`, missing `since` a moment of the monotonic clock."""

    first: int
    last: int
    since: float

    def without(self, ids: Sequence[int]) -> Iterator[_Gap]:
        """Yield the parts left after removing `ids`, which are ascending."""
        first = self.first
        for pk in ids[bisect_left(ids, self.first) : bisect_right(ids, self.last)]:
            if first < pk:
                yield _Gap(first, pk - 1, self.since)
            first = pk + 1
        if first <= self.last:
            yield _Gap(first, self.last, self.since)


class Unread:
    """The rows that this hub has not read yet. Each is returned once, although rows may commit out of id order.

    A missing id below the newest belongs to a transaction that has not committed, or never will. It is queried again
    until no transaction can be that old. One transaction may own any number of ids, so they are kept as runs.
    This queries the database; use it from one thread at a time.
    """

    def __init__(self) -> None:
        self._top: int | None = None
        self._gaps: list[_Gap] = []

    def take(self) -> list[Revoked]:
        """Return at most `MOST` new rows, in the order of their ids."""
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
            # If the first read was not cut off, it returned the oldest row.
            known = given[0] - 1 if len(given) == MOST else 0
        self._top = max([known, *given])
        waited_for = [gap for gap in self._gaps if now - gap.since < LONGEST_TRANSACTION]
        gaps = [*waited_for, _Gap(known + 1, self._top, now)]
        self._gaps = [left for gap in gaps for left in gap.without(given)][-GAPS:]


def _read(rows: models.QuerySet[Revocation]) -> list[Revoked]:
    return [Revoked(*row) for row in rows.values_list("pk", "what", "person", "session", "topic")[:MOST]]
