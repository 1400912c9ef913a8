"""A large site's rows, loaded by COPY: people, notifications, subscriptions, deliveries, jobs and events.

The rows of one person are spread over the tables, as they are on a site that has run for a year. `HEAVY` has far more
than others, all unread and undelivered. Events are those of the notifications, and a chat room with a long log.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import NOT_PROVIDED, Model
from psycopg import sql

from notifications_hub.actions.models import ActionResult
from notifications_hub.announcements.announce import broadcast
from notifications_hub.announcements.audit import AnnouncementStep
from notifications_hub.announcements.banners.models import BannerDismissal
from notifications_hub.announcements.banners.rules import Banner
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.results.models import ResultFigure, ResultFold, ResultTally
from notifications_hub.delivery.models import Delivery, Preference
from notifications_hub.following.models import Follow
from notifications_hub.ingest.models import ServiceToken
from notifications_hub.jobs.models import Job
from notifications_hub.models import KindUse, Notification, PushSubscription, UseFold, UseSum, UseTally, UseWalk
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.models import QuietHours
from notifications_hub.streams.models import Event, Stream
from notifications_hub.streams.snapshots import SERVER
from notifications_hub.transports.own_addresses.models import OwnAddress, sealed_destination
from notifications_hub.use.walking import AGES
from showcase.models import Post

HEAVY, QUIET = 1, 2
"""The ids of a person with far too many notifications, and of one with as many as others."""
ADMIN = 3
ROOM = "room.lobby"
EPOCH = "0123abcd"
ANNOUNCEMENTS = 20
BANNERS = 2
SERVICES = 100
YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Size:
    """The number of rows. `heavy` of the notifications belong to one person, and must divide them."""

    notifications: int
    people: int
    subscriptions: int
    heavy: int

    @classmethod
    def of(cls, notifications: int) -> Size:
        """Return the usual proportions. One person has a hundredth of the notifications."""
        return cls(notifications, notifications // 10, notifications // 50, notifications // 100)

    @property
    def step(self) -> int:
        return self.notifications // self.heavy

    @property
    def room_events(self) -> int:
        return self.notifications // 10

    @property
    def deliveries(self) -> int:
        return self.notifications * 2 // 5

    @property
    def jobs(self) -> int:
        return self.notifications * 2 // 5

    @property
    def results(self) -> int:
        return self.notifications // 4

    @property
    def of_others(self) -> int:
        return self.notifications - self.heavy


SMALL = Size(notifications=50_000, people=12_500, subscriptions=12_500, heavy=12_500)
"""Every table that grows with a site has more rows than an admin list may go through."""


def load(size: Size) -> None:
    """Replace all rows of the hub's tables, and let PostgreSQL collect its statistics."""
    _empty(get_user_model(), Announcement, AnnouncementStep, Event, ResultFold, ResultTally, Stream)
    _empty(KindUse, UseFold, UseSum, UseTally, UseWalk)
    with _Loader(size) as loader:
        loader.people()
        loader.notifications()
        loader.action_results()
        loader.events()
        loader.subscriptions()
        loader.own_addresses()
        loader.deliveries()
        loader.jobs()
        loader.steps()
        loader.dismissals()
        loader.preferences()
        loader.quiet_hours()
        loader.service_tokens()
        loader.results()
        loader.follows()
        loader.use()
    Post.objects.create(author_id=HEAVY, title="Hello", body="Everybody follows it.")
    for number in range(ANNOUNCEMENTS):
        banner = Banner() if number < BANNERS else None
        broadcast(title=f"Announcement {number}", body="The library is closed on Sunday.", banner=banner)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def written_tables() -> set[str]:
    """Return the tables that this transaction wrote, also where it took the changes back."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN)
        return {name for (name,) in cursor.fetchall()}


def vacuum(tables: Collection[str]) -> None:
    """Remove what rolled-back changes left in tables and their indexes. The next reads would pay for it."""
    if tables:
        names = sql.SQL(", ").join(map(sql.Identifier, sorted(tables)))
        with _connect() as apart:
            # Without the option, PostgreSQL leaves indexes alone in which few rows are dead.
            apart.execute(sql.SQL("VACUUM (INDEX_CLEANUP ON) {}").format(names))


def _connect() -> psycopg.Connection[Any]:
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    known = {name: parameters[name] for name in names if parameters.get(name)}
    return psycopg.connect(autocommit=True, **known)


def _empty(*models: type[Model]) -> None:
    tables = ", ".join(model._meta.db_table for model in models)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")


class _Loader:
    """Copies rows that one connection generates into the tables over another."""

    def __init__(self, size: Size) -> None:
        self._size = size

    def __enter__(self) -> _Loader:
        self._source = _connect()
        self._target = _connect()
        # No foreign keys: the rows fit by construction. Memory is for building indexes.
        self._target.execute("SET session_replication_role = replica")
        self._target.execute("SET maintenance_work_mem = '1GB'")
        return self

    def __exit__(self, *error: object) -> None:
        self._source.close()
        self._target.close()

    def people(self) -> None:
        self._copy(
            get_user_model(),
            self._size.people,
            username="'person' || i",
            password="'!' || i",
            email="'person' || i || '@example.com'",
            is_staff=f"i = {ADMIN}",
            is_superuser=f"i = {ADMIN}",
            date_joined="now()",
        )

    def dismissals(self) -> None:
        """Dismiss the second announcement's banner for everyone."""
        self._copy(BannerDismissal, self._size.people, person_id="i", announcement_id="2", at="now()")

    def preferences(self) -> None:
        """Copy a choice of everyone: for one kind, or of every third person for all kinds."""
        every = "i % 3 = 0"
        self._copy(
            Preference,
            self._size.people,
            person_id="i",
            kind=f"CASE WHEN {every} THEN '*' ELSE 'comment.reply' END",
            methods="""'["live", "flash"]'::jsonb""",
        )

    def quiet_hours(self) -> None:
        schedule = json.dumps(Schedule().as_json())
        self._copy(QuietHours, self._size.people, person_id="i", schedule=f"'{schedule}'::jsonb", changed_at="now()")

    def service_tokens(self) -> None:
        self._copy(
            ServiceToken,
            SERVICES,
            name="'Service ' || i",
            token_hash="md5(i::text)",
            beginning="left(md5(i::text), 12)",
            created="now()",
        )

    def action_results(self) -> None:
        """Decide every second thing that four notifications share, and as many of which there are none any more."""
        self._copy(
            ActionResult,
            self._size.results,
            key="'thing ' || 2 * i",
            kind="'comment.reply'",
            action="'approve'",
            person_id="i % 1000 + 1",
            person_name="'Bob'",
            claim="gen_random_uuid()",
            claimed_until="now()",
            at="now()",
        )

    def notifications(self) -> None:
        is_heavy = f"i % {self._size.step} = 0"
        read = f"NOT ({is_heavy}) AND i % 3 > 0"
        self._copy(
            Notification,
            self._size.notifications,
            action_key="'thing ' || i / 4",
            recipient_id=self._recipient,
            verb="'replied'",
            actor_name="'Bob'",
            description="'I have read your text, and there is one thing that I would say in another way.'",
            kind="CASE WHEN i % 10 = 7 THEN 'comment.reply' ELSE 'default' END",
            timestamp=self._moment,
            committed_at=self._moment,
            unread=f"NOT ({read})",
            read_at=f"CASE WHEN {read} THEN {self._moment} END",
            seen_at=f"CASE WHEN {read} THEN {self._moment} END",
            archived_at=f"CASE WHEN {read} AND i % 7 = 0 THEN {self._moment} END",
            delivered_at=f"CASE WHEN NOT ({is_heavy}) THEN {self._moment} END",
            delivered_by=f"CASE WHEN {is_heavy} THEN '' WHEN i % 2 = 0 THEN 'live' ELSE 'web_push' END",
            dedupe_key="NULL",
        )

    def events(self) -> None:
        size = self._size
        words = '{"id": "%s", "kind": "default", "title": "Bob replied", "body": "I have read your text.", "url": ""}'
        topic = f"CASE WHEN i > {size.notifications} THEN '{ROOM}' ELSE 'inbox.' || ({self._recipient}) END"
        seq = f"CASE WHEN i > {size.notifications} THEN i - {size.notifications} ELSE ({self._number}) END"
        moment = f"CASE WHEN i > {size.notifications} THEN now() ELSE {self._moment} END"
        self._copy(
            Event,
            size.notifications + size.room_events,
            topic=topic,
            seq=seq,
            kind="'notification.created'",
            data=f"replace('{words}', '%s', i::text)::jsonb",
            created=moment,
            item=f"CASE WHEN i <= {size.notifications} THEN 'notification:' || i END",
            erases="NULL",
        )
        others = size.people - 1
        top = f"""CASE WHEN i = {HEAVY} THEN {size.heavy}
            WHEN i > {size.people} THEN {size.room_events}
            ELSE {size.of_others} / {others} + (i - 2 < {size.of_others} % {others})::int END"""
        topic = f"CASE WHEN i > {size.people} THEN '{ROOM}' ELSE 'inbox.' || i END"
        self._copy(Stream, size.people + 1, topic=topic, epoch=f"'{EPOCH}'", top=top, pruned_through="0")

    def steps(self) -> None:
        self._copy(
            AnnouncementStep,
            self._size.people,
            announcement_key="i::text",
            title="'Closed on Sunday'",
            step="CASE WHEN i % 9 = 0 THEN 'stopped' ELSE 'edited' END",
            source="'admin'",
            person_name="'Bob'",
            details="""'{"changes": {"title": ["Closed", "Closed on Sunday"]}}'::jsonb""",
            at="now()",
        )

    def subscriptions(self) -> None:
        self._copy(
            PushSubscription,
            self._size.subscriptions,
            owner_id=f"1 + (i - 1) % {self._size.people}",
            endpoint="'https://push.example/' || i",
            endpoint_hash="md5(i::text)",
            name="'Firefox on Linux'",
            created="now()",
            last_used="now()",
        )

    def own_addresses(self) -> None:
        sealed = sealed_destination("https://hook.example/", ["whsec_c2VjcmV0"])
        self._copy(
            OwnAddress,
            self._size.subscriptions,
            owner_id=f"1 + (i - 1) % {self._size.people}",
            transport="'webhook'",
            fingerprint="md5(i::text)",
            sealed=f"'{sealed}'",
            where="'hook.example'",
            created="now()",
        )

    def deliveries(self) -> None:
        """Copy deliveries of the newest notifications: most are sent, some wait, and a few of those are due."""
        age = f"now() - interval '1 second' * (({self._size.deliveries} - i) * {YEAR / self._size.notifications})"
        waits = "i % 100 = 0"
        self._copy(
            Delivery,
            self._size.deliveries,
            notification_id=f"{self._size.notifications - self._size.deliveries} + i",
            transport="'web_push'",
            address=f"CASE WHEN {waits} THEN '{HEAVY}' ELSE (1 + i % {self._size.subscriptions})::text END",
            state=f"CASE WHEN {waits} THEN 'waiting' ELSE 'sent' END",
            due_at="CASE WHEN i % 1000 = 0 THEN now() ELSE now() + interval '1 day' * (1 + i % 30) END",
            created=age,
            settled_at=f"CASE WHEN NOT ({waits}) THEN {age} END",
        )

    def jobs(self) -> None:
        age = f"now() - interval '1 second' * (({self._size.jobs} - i) * {YEAR / self._size.jobs})"
        self._copy(
            Job,
            self._size.jobs,
            id="('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid",
            owner_id=f"CASE WHEN i % 10 = 0 THEN {HEAVY} ELSE 1 + i % {self._size.people} END",
            title="'Report ' || i",
            task="'report'",
            state="'done'",
            created=age,
            started_at=age,
            ended_at=age,
        )

    def follows(self) -> None:
        """Let everybody follow the first post, and `HEAVY` as many others as they have notifications."""
        people = self._size.people
        self._copy(
            Follow,
            people + self._size.heavy,
            person_id=f"CASE WHEN i <= {people} THEN i ELSE {HEAVY} END",
            content_type_id=str(ContentType.objects.get_for_model(Post).pk),
            object_key=f"CASE WHEN i <= {people} THEN '1' ELSE CAST(i - {people} + 1 AS text) END",
            since="now()",
        )

    def results(self) -> None:
        """Copy what was counted of the announcements, and as many tallies that wait to be folded."""
        count = self._size.notifications
        of_one = {"announcement_id": f"1 + i % {ANNOUNCEMENTS}", "what": "'read'", "number": "1"}
        language = f"'l' || (i / {ANNOUNCEMENTS}) % 10"
        self._copy(ResultTally, count, **of_one, language=language, at="now()")
        bucket = f"24 * (i / {10 * ANNOUNCEMENTS})"
        self._copy(ResultFigure, count, **of_one, language=language, bucket=bucket)
        self._copy(ResultFold, 1, folded_at="now() - interval '1 minute'", looked_back_at="now()")

    def use(self) -> None:
        """Copy the figures of two years, and positions below which notifications of each age wait to be counted."""
        newest, days, kinds = self._size.notifications, 731, 20
        ages = f"(ARRAY[{', '.join(map(str, AGES))}])[i]"
        through = f"CASE WHEN i = 1 THEN {newest - 3000} ELSE {newest // 2} END"
        past = "now() - interval '1 day'"
        self._copy(
            *(UseWalk, len(AGES)),
            age=ages,
            through=through,
            ahead=str(newest),
            ahead_at=past,
            xid="0",
            server=SERVER,
            turned_at=past,
            tidied_at=past,
        )
        day, kind = f"current_date - CAST(i % {days} AS int)", f"'kind' || (i / {days}) % {kinds}"
        method = f"'m' || i / {days * kinds}"
        self._copy(KindUse, days * kinds * 2, day=day, kind=kind, method=method, age=str(AGES[-1]), number="1")
        self._copy(UseSum, days * kinds, day=day, kind=kind, what="'off'", number="1")
        self._copy(UseTally, 5000, kind="'kind1'", what="'off'", at="now()", number="1")
        self._copy(UseFold, 1, folded_at="now() - interval '1 minute'", looked_back_at="now()")

    @property
    def _moment(self) -> str:
        return f"now() - interval '1 second' * (({self._size.notifications} - i) * {YEAR / self._size.notifications})"

    @property
    def _other(self) -> str:
        """The number of a notification among those of others than `HEAVY`, from 0."""
        return f"(i - i / {self._size.step} - 1)"

    @property
    def _recipient(self) -> str:
        others = self._size.people - 1
        return f"CASE WHEN i % {self._size.step} = 0 THEN {HEAVY} ELSE 2 + {self._other} % {others} END"

    @property
    def _number(self) -> str:
        """The number of a notification's event in its inbox."""
        others, step = self._size.people - 1, self._size.step
        return f"CASE WHEN i % {step} = 0 THEN i / {step} ELSE 1 + {self._other} / {others} END"

    def _copy(self, model: type[Model], count: int, **expressions: str) -> None:
        """Copy `count` rows. An expression is SQL in terms of `i`, from 1 on. Other columns get their defaults."""
        columns = {str(field.column): self._expression(field, expressions) for field in model._meta.concrete_fields}
        names = sql.SQL(", ").join(sql.Identifier(name) for name in columns)
        values = sql.SQL(", ").join(sql.SQL(expression) for expression in columns.values())
        table = sql.Identifier(model._meta.db_table)
        source = sql.SQL("COPY (SELECT {} FROM generate_series(1::bigint, {}) AS i) TO STDOUT")
        target = sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)
        with (
            self._without_indexes(model._meta.db_table),
            self._source.cursor().copy(source.format(values, sql.Literal(count))) as rows,
            self._target.cursor().copy(target) as copied,
        ):
            for block in rows:
                copied.write(block)
        if "id" in columns and "id" not in expressions:
            self._target.execute(_MOVE_SEQUENCE.format(table=model._meta.db_table, count=count))

    def _expression(self, field: Any, expressions: dict[str, str]) -> str:
        if field.primary_key and field.column not in expressions:
            return "i"
        if field.column in expressions:
            return expressions[field.column]
        value = None if field.null and field.default is NOT_PROVIDED else field.get_default()
        return sql.Literal(field.get_db_prep_save(value, connection)).as_string(connection.connection)

    @contextmanager
    def _without_indexes(self, table: str) -> Iterator[None]:
        """Drop the indexes except the primary key's, and build them when the rows are there, which is much faster."""
        uniques = self._target.execute(_UNIQUES, [table]).fetchall()
        for name, _definition in uniques:
            self._target.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        indexes = self._target.execute(_INDEXES, [table]).fetchall()
        for name, _definition in indexes:
            self._target.execute(f'DROP INDEX "{name}"')
        yield
        for name, definition in uniques:
            self._target.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
        for _name, definition in indexes:
            self._target.execute(definition)


_UNIQUES = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'u'
"""
_INDEXES = """
    SELECT class.relname, pg_get_indexdef(class.oid) FROM pg_index
    JOIN pg_class class ON class.oid = indexrelid WHERE indrelid = %s::regclass AND NOT indisprimary
"""
_WRITTEN = "SELECT relname FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
_MOVE_SEQUENCE = "SELECT setval(pg_get_serial_sequence('{table}', 'id'), {count})"
