"""The same person in the product: real notifications, pages, workers and emails, and what was sent."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, ClassVar, cast

from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.cache import SessionStore
from django.core import mail
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import RequestFactory, TestCase
from notifications.signals import notify

from notifications_hub import flash, stop_emails_to
from notifications_hub.delivery import acknowledgement, claiming
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.delivery.worker import Worker
from notifications_hub.inbox import marks, push_api
from notifications_hub.inbox.marks import Mark
from notifications_hub.inbox.schemas import Act
from notifications_hub.kinds import Digest, Kind, Urgency
from notifications_hub.live import presence
from notifications_hub.message import Message
from notifications_hub.quiet_hours.calendar import Schedule, Window
from notifications_hub.quiet_hours.digests import save_digests
from notifications_hub.quiet_hours.schedules import save_schedule
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import Event, Stream, inbox_topic, item_key
from notifications_hub.transports import TransportError, get_transport
from notifications_hub.transports.email.models import StoppedEmail
from notifications_hub.transports.memory import Memory
from tests.properties.choices import EMAILS, PHONE, SMS, KindOf, Nights
from tests.properties.model import RETRY, Reach
from tests.support.clock import Clock, one_clock

FEW = 1
NAMED = 3
"""The newest titles that a summary names."""


class Phone(Memory):
    """A push service whose devices report what they showed."""

    confirms = True
    is_down: ClassVar[bool] = False

    async def send(self, message: Message, address: str) -> None:
        if self.is_down:
            raise TransportError("The service is away.", retry_after=RETRY.total_seconds())
        await super().send(message, address)


class Sms(Memory):
    """A service that nobody may switch off where a kind has it."""

    optional = False


TRANSPORTS = {
    PHONE: f"{Phone.__module__}.{Phone.__name__}",
    SMS: f"{Sms.__module__}.{Sms.__name__}",
    EMAILS: "notifications_hub.transports.email.transport.Email",
}


def declare(kind: KindOf) -> None:
    """Declare the kind that the model describes."""
    values: dict[str, object] = {
        "name": kind.name,
        "methods": kind.methods,
        "delays": dict(kind.delays),
        "urgency": Urgency.CRITICAL if kind.is_critical else Urgency.NORMAL,
        "digest": Digest(kind.digest),
        "ttl": None if kind.ttl is None else int(kind.ttl.total_seconds()),
    }
    type(kind.name.title().replace(".", ""), (Kind,), values)


@dataclass(frozen=True, order=True)
class Seen:
    """A message that arrived: how many notifications it is about, and the numbers of the newest of them."""

    method: str
    count: int
    newest: tuple[int, ...]
    identity: str = field(default="", compare=False)
    """The tag or `Message-ID` by which a repeat replaces it."""
    message: Message | None = field(default=None, compare=False)

    @classmethod
    def of(cls, reach: Reach, kinds: Mapping[int, str]) -> Seen:
        """Return how something reaches the person. An email lists kinds, the one with the newest first."""
        newest = sorted(reach.items, reverse=True)
        if reach.method == EMAILS:
            of_kind: dict[str, list[int]] = defaultdict(list)
            for number in newest:
                of_kind[kinds[number]].append(number)
            return cls(EMAILS, len(newest), tuple(chain.from_iterable(of_kind.values())))
        return cls(reach.method, len(newest), tuple(newest[:NAMED]))


class Doomed(Worker):
    """A worker that is killed after it has sent everything, and before it has recorded anything."""

    def work(self) -> None:
        self.turn()
        if self._network.under_way:
            self._network.wait(20)


class Person:
    """One person with their own rows, in a transaction that is rolled back at the end."""

    def __init__(self, start: datetime, worker: Worker) -> None:
        self._open = ExitStack()
        self.clock: Clock = self._open.enter_context(one_clock(start))
        self._open.enter_context(transaction.atomic())
        self._open.callback(transaction.set_rollback, True)
        self.worker = worker
        self.user: Any = get_user_model().objects.create_user("alice", "alice@example.com")
        self.topic = inbox_topic(self.user.pk)
        self.rows: dict[int, int] = {}
        self._known: dict[int, Reach] = {}
        cache.clear()
        cache.set(presence._since_key(), start.timestamp() - 100, None)
        for one in (self._memory(PHONE), self._memory(SMS)):
            one.clear()
        mail.outbox.clear()

    def close(self) -> None:
        Phone.is_down = False
        self._open.close()

    def commit(self, act: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Do something as a request does that commits."""
        with TestCase.captureOnCommitCallbacks(execute=True):
            return act(*given, **named)

    # What happens

    def notify(self, number: int, kind: KindOf) -> None:
        [(_receiver, made)] = self.commit(notify.send, None, recipient=self.user, verb=f"n{number}", kind=kind.name)
        for row in made:
            self.rows[number] = row.pk

    def mark(self, action: Mark, numbers: Iterable[int]) -> None:
        self.commit(marks.mark, self.user, action, [str(self.rows[number]) for number in numbers])

    def choose(self, kind: KindOf, methods: Iterable[str]) -> None:
        self.commit(choose_methods, self.user, kind.name, methods)

    def choose_digest(self, kind: KindOf, digest: str) -> None:
        self.commit(save_digests, self.user, {kind.name: Digest(digest)})

    def change_nights(self, nights: Nights) -> None:
        windows = (Window(nights.days, nights.start * 60, nights.end * 60),) if nights.days else ()
        schedule = Schedule(
            zone=nights.zone,
            windows=windows,
            silent=nights.silent,
            paused_until=nights.paused_until,
            digest_hour=nights.digest_hour,
            digest_day=nights.digest_day,
        )
        self.commit(save_schedule, self.user, schedule)

    def set_active(self, is_active: bool) -> None:
        self.user.is_active = is_active
        self.user.save()

    def stop_email(self) -> None:
        stop_emails_to(self.user.email)

    def set_phone(self, *, is_down: bool) -> None:
        Phone.is_down = is_down

    def allow_email(self) -> None:
        StoppedEmail.objects.all().delete()

    # Pages

    def poll(self) -> None:
        presence.record_poll(self.user.pk, 25)

    def flash(self, answer: str) -> list[int]:
        """Open a page, and return what it would flash. It is answered by a page, a redirect, or is lost."""
        request = RequestFactory().get("/")
        request.user, request.session = self.user, SessionStore()
        storage = flash.Storage(request)
        texts = [str(one) for one in storage]
        claimed = list(storage._claim.ids) if storage._claim else []
        if answer != "lost":
            self.commit(storage.update, HttpResponse(status=200 if answer == "page" else 302))
        numbers = {pk: number for number, pk in self.rows.items()}
        found = [numbers[pk] for pk in claimed]
        assert [_number(text) for text in texts[:NAMED]] == found[:NAMED]
        return found

    def top(self) -> Position:
        stream = Stream.objects.filter(topic=self.topic).first()
        return Position(stream.epoch, stream.top, stream.top) if stream else Position("", 0, 0)

    def acknowledge(self, begun: Position, shown: Sequence[int]) -> None:
        """Acknowledge everything up to the last one that the page has shown, as `/live/ack/` does."""
        item = item_key("notification", self.rows[shown[-1]])
        event = Event.objects.get(topic=self.topic, item=item, kind="notification.created")
        epoch = Stream.objects.get(topic=self.topic).epoch
        position = Position(epoch, begun.start, cast(int, event.seq))
        self.commit(acknowledgement.acknowledge, self.user.pk, {self.topic: position})

    def report(self, push: Message) -> None:
        """Let the phone report a push that it showed."""
        self.commit(push_api.report_push, RequestFactory().post("/"), Act(token=push.token, action="shown", name=""))

    # Workers

    def work(self, *others: Worker) -> list[Reach]:
        """Let workers send what is due, and return what is recorded as sent. Several take turns in claiming."""
        workers = (self.worker, *others)
        claimed = 0
        while others and (some := sum([worker._begin(claiming.claim_due(FEW)) for worker in workers])):
            claimed += some
        claimed += sum([worker.run_due() for worker in workers])
        if not claimed:
            return []
        before, self._known = self._known, self._recorded()
        return sorted(reach for group, reach in self._known.items() if group not in before)

    def work_in_vain(self) -> None:
        """Let a worker send what is due, and be killed before it records anything."""
        with closing(Doomed()) as doomed:
            doomed.work()

    def claim(self) -> None:
        """Let a worker claim what is due, and be killed before it sends anything."""
        claiming.claim_due()

    def seen(self) -> list[Seen]:
        """Return what has arrived since the last call."""
        found = [
            Seen(method, *_told(message.title, message.body), identity=message.tag, message=message)
            for method in (PHONE, SMS)
            for message, _address in self._memory(method).outbox
        ]
        for one in mail.outbox:
            assert one.to == [self.user.email]
            message = one.message()
            found.append(Seen(EMAILS, *_told(str(one.subject), str(one.body)), identity=str(message["Message-ID"])))
        for method in (PHONE, SMS):
            self._memory(method).outbox.clear()
        mail.outbox.clear()
        return sorted(found)

    def trail(self, number: int) -> str:
        """Return what is stored of a notification's deliveries."""
        rows = Delivery.objects.filter(notification=self.rows[number]).order_by("pk")
        return "\n".join(map(repr, rows.values("pk", "transport", "state", "due_at", "summary", "claim", "trail")))

    def _recorded(self) -> dict[int, Reach]:
        """Return what is recorded as sent, by the delivery whose message it was."""
        numbers = {pk: number for number, pk in self.rows.items()}
        groups: dict[int, list[tuple[str, int]]] = defaultdict(list)
        rows = Delivery.objects.filter(state=DeliveryState.SENT).order_by("pk")
        for pk, summary, transport, row in rows.values_list("pk", "summary", "transport", "notification"):
            groups[summary or pk].append((transport, numbers[row]))
        return {
            group: Reach(members[0][0], tuple(sorted(number for _method, number in members)))
            for group, members in groups.items()
        }

    def _memory(self, method: str) -> Memory:
        return cast(Memory, get_transport(method))


def _told(title: str, body: str) -> tuple[int, tuple[int, ...]]:
    """Return how many notifications a message is about, and the newest that it names."""
    several = re.match(r"(\d+) (new )?notifications", title)
    if several is None:
        return 1, (_number(title),)
    return int(several[1]), tuple(map(int, re.findall(r"^(?:- )?n(\d+)(?: \(.*\))?$", body, re.MULTILINE)))


def _number(title: str) -> int:
    return int(title.rpartition("n")[2])
