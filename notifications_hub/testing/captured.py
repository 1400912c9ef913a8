"""Everything that a test's code would deliver, read from the rows that `notify.send()` and its like wrote.

Nothing is replaced. The rows of a test's own transaction count too, and those of a transaction that was rolled back are
gone. Nothing is sent, because only a worker sends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import KIND as ANNOUNCEMENT
from notifications_hub.escalation.running import run_steps_until
from notifications_hub.following.followed import is_unsaved
from notifications_hub.streams.models import check_public_topic
from notifications_hub.testing import browsers, emails, failure_text, reading
from notifications_hub.testing.attempts import AttemptLog
from notifications_hub.testing.captured_rows import (
    CapturedDelivery,
    CapturedEmail,
    CapturedEvent,
    CapturedNotification,
    CapturedPush,
)
from notifications_hub.testing.expectation import Expectation, Expected, Unexpected, check_method, expectation_of
from notifications_hub.testing.failure_text import FailureText
from notifications_hub.testing.reading import Start

# unittest leaves the frames of such a module out of a traceback, and pytest those with `__tracebackhide__`.
__unittest = True


class Later(TypedDict, total=False):
    """A time, as `datetime.timedelta` takes it."""

    days: float
    hours: float
    minutes: float
    seconds: float


class Captured:
    """Everything that would be delivered since the start of a test, or since `clear()`.

    Each access reads the database.
    """

    def __init__(self) -> None:
        self._log = AttemptLog()
        self._start = Start.now()

    def __getstate__(self) -> dict[str, Any]:
        # Django's parallel runner pickles a test with a failed subtest, and a log holds database connections.
        return {"_start": self._start, "_log": AttemptLog()}

    def start(self) -> None:
        """Note calls from now on, to explain them if an assertion fails."""
        self._log.start()

    def stop(self) -> None:
        """End what `start` and `register_browser` began."""
        self._log.stop()
        browsers.forget_key()

    def clear(self) -> None:
        """Forget what was captured so far."""
        self._log.clear()
        self._start = Start.now()

    def register_browser(self, person: AbstractBaseUser, name: str = "Firefox on Linux") -> None:
        """Turn on push for a person, in a browser that nothing can be sent to.

        A site without `VAPID_PRIVATE_KEY` has one until the end of the test.
        """
        browsers.add_browser(person, name)

    def escalate(self, **later: Unpack[Later]) -> None:
        """Do what escalations would have done by so much later, as `escalate(hours=1)` for what is still unread then.

        A worker does it in production. Here, what your function `to` raises is raised, and nothing is tried again.
        """
        run_steps_until(timedelta(**later))

    # Reading

    @property
    def notifications(self) -> list[CapturedNotification]:
        """People's notifications, the oldest first, without announcements."""
        return reading.read_notifications(self._start)

    @property
    def announcements(self) -> list[Announcement]:
        """The announcements that inboxes show now. One that starts later is not among them."""
        return reading.read_announcements(self._start)

    @property
    def deliveries(self) -> list[CapturedDelivery]:
        """Deliveries by transports: what a worker would send, or has sent, failed to send or cancelled.

        Those of an announcement are planned by a worker, and are listed after one ran.
        """
        return reading.read_deliveries(self._start)

    @property
    def pushes(self) -> list[CapturedPush]:
        """The Web Pushes that would be sent, or were, as the browser shows them."""
        return reading.pushes_in(self.deliveries)

    @property
    def emails(self) -> list[CapturedEmail]:
        """The emails that would be sent, or were, as their templates make them.

        They are those of the hub's transport, under any name, and of a transport named `email`.
        """
        return emails.emails_in(self.deliveries)

    @property
    def events(self) -> list[CapturedEvent]:
        """The events that were published on topics other than inboxes: logged ones, then `ephemeral` ones."""
        return [*reading.read_events(self._start), *self._log.ephemeral]

    def to(self, person: AbstractBaseUser) -> list[CapturedNotification]:
        """Return what one person was notified of: their notifications, then the announcements that they see."""
        own = [one for one in self.notifications if one.person.pk == person.pk]
        return own + reading.announcements_for(person, self._start)

    # Assertions about notifications

    def assert_notified(
        self,
        person: AbstractBaseUser,
        *,
        kind: str | None = None,
        methods: Collection[str] | None = None,
        title: str | None = None,
        body: str | None = None,
        url: str | None = None,
        level: str | None = None,
        times: int = 1,
    ) -> CapturedNotification:
        """Assert that a person was notified so, exactly once or `times` times. Return the last such notification.

        `methods` are all delivery methods that would reach the person, no more and no fewer. The words are those that
        the person reads. Raise `UnknownKind`, or `ValueError` for an unknown delivery method.
        """
        __tracebackhide__ = True
        if times < 1:
            raise ValueError("times must be 1 or more: use assert_not_notified().")
        wanted = expectation_of(kind=kind, methods=methods, title=title, body=body, url=url, level=level)
        own = self.to(_checked(person))
        found = [one for one in own if wanted.is_met_by(one)]
        if len(found) != times:
            raise AssertionError(self._text_about(person, own).not_as_expected(wanted, times, len(found)))
        return found[-1]

    def assert_not_notified(
        self, person: AbstractBaseUser | None = None, *, kind: str | None = None, method: str | None = None
    ) -> None:
        """Assert that a person was not notified, or nobody was if no person is given.

        With a `kind`, or a delivery `method`, other kinds and methods do not matter. Raise `UnknownKind`, or
        `ValueError` for an unknown delivery method.
        """
        __tracebackhide__ = True
        wanted = expectation_of(kind=kind, methods=None)
        if method is not None:
            method = check_method(method)
        if person is None:
            self._assert_nobody_notified(wanted, method)
            return
        own = self.to(_checked(person))
        if found := _matching(own, wanted, method):
            raise AssertionError(self._text_about(person, own).unexpected(found, _why(wanted, method)))

    async def aassert_notified(self, person: AbstractBaseUser, **expected: Unpack[Expected]) -> CapturedNotification:
        """Assert as `assert_notified` does, from an async test."""
        return await sync_to_async(self.assert_notified)(person, **expected)

    async def aassert_not_notified(
        self, person: AbstractBaseUser | None = None, **unexpected: Unpack[Unexpected]
    ) -> None:
        """Assert as `assert_not_notified` does, from an async test."""
        await sync_to_async(self.assert_not_notified)(person, **unexpected)

    def _assert_nobody_notified(self, wanted: Expectation, method: str | None) -> None:
        __tracebackhide__ = True
        found = _matching(self.notifications, wanted, method)
        announced = reading.read_announcements(self._start, method) if wanted.kind in (None, ANNOUNCEMENT) else []
        if found or announced:
            raise AssertionError(failure_text.of_nobody(found, announced, _why(wanted, method)))

    def _text_about(self, person: AbstractBaseUser, own: Sequence[CapturedNotification]) -> FailureText:
        others = [one for one in self.notifications if one.person.pk != person.pk]
        return FailureText(person, own, others, self.announcements, self._log)

    # Assertions about events

    def assert_published(
        self, topic: str, kind: str | None = None, data: Mapping[str, Any] | None = None
    ) -> CapturedEvent:
        """Assert that an event was published on a topic, with exactly these data. Return the last such event."""
        __tracebackhide__ = True
        if found := self._published(topic, kind, data):
            return found[-1]
        what = " ".join(["An event", *([f"of kind {kind!r}"] if kind else []), *([f"with {data}"] if data else [])])
        raise AssertionError(failure_text.of_events(f"{what} was not published on {topic!r}.", self.events))

    def assert_not_published(self, topic: str, kind: str | None = None) -> None:
        """Assert that no event, or none of this kind, was published on a topic. Raise `BadTopic` as `publish` does."""
        __tracebackhide__ = True
        if found := self._published(topic, kind, None):
            raise AssertionError(failure_text.of_events(f"Nothing should have been published on {topic!r}.", found))

    def _published(self, topic: str, kind: str | None, data: Mapping[str, Any] | None) -> list[CapturedEvent]:
        # A topic that `publish()` rejects would let every `assert_not_published` pass.
        check_public_topic(topic)
        on_topic = [one for one in self.events if one.topic == topic and kind in (None, one.kind)]
        return [one for one in on_topic if data is None or dict(one.data) == dict(data)]


def _matching(
    captured: Sequence[CapturedNotification], wanted: Expectation, method: str | None
) -> list[CapturedNotification]:
    return [one for one in captured if wanted.concerns(one) and (method is None or method in one.methods)]


def _why(wanted: Expectation, method: str | None) -> str:
    return (f" of {wanted.kind!r}" if wanted.kind else "") + (f" by {method}" if method else "")


def _checked(person: AbstractBaseUser) -> AbstractBaseUser:
    if not isinstance(person, get_user_model()) or is_unsaved(person):
        raise TypeError(f"{person!r} is not a saved person.")
    return person
