"""The public suite itself: a good transport passes it over HTTP, and it finds each fault of a bad one."""

from __future__ import annotations

import asyncio
import logging
import time
import urllib.request
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import aiohttp
import pytest
from django.contrib.auth import get_user_model

from notifications_hub.message import Message
from notifications_hub.testing import (
    Fault,
    HttpOtherSide,
    Received,
    ReceivedRequest,
    TransportSuite,
    transport_failures,
)
from notifications_hub.transports import TooLong, TransportError


class Hook:
    """A good transport, which posts to an address of each person's own."""

    deadline = 3.0
    retracts = True

    def __init__(self) -> None:
        self.urls: dict[Any, str] = {}

    def addresses(self, person: Any) -> Iterable[str]:
        return [self.urls[person.pk]] if person.pk in self.urls else []

    async def send(self, message: Message, address: str) -> int | None:
        try:
            async with self.session() as session, session.post(address, json=self.body(message)) as response:
                self.judge(response)
                return response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TransportError("The hook gave no answer.") from error

    def session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.deadline))

    def body(self, message: Message) -> dict[str, str]:
        return {"text": f"{message.title}\n{message.body}", "tag": message.tag}

    def judge(self, response: aiohttp.ClientResponse) -> None:
        if response.status == 413:
            raise TooLong("The hook found it too long.")
        if response.status != 200:
            pause = response.headers.get("Retry-After")
            raise TransportError(
                f"The hook answered {response.status}.",
                permanent=response.status == 410,
                retry_after=float(pause) if pause else None,
            )


class Hooks(HttpOtherSide):
    secrets = ["the-secret"]

    def __init__(self, transport: Hook) -> None:
        super().__init__()
        self._transport = transport

    def reach(self, person: Any) -> str:
        return self._transport.urls.setdefault(person.pk, f"{self.url}/hooks/the-secret-{person.pk}")

    def read(self, request: ReceivedRequest) -> Received:
        return Received(**request.json())


class TestHook(TransportSuite):
    @pytest.fixture
    def transport(self) -> Hook:
        return Hook()

    @pytest.fixture
    def other_side(self, transport: Hook) -> Iterator[Hooks]:
        with Hooks(transport) as side:
            yield side


# Faulty transports


class Leaky(Hook):
    def judge(self, response: aiohttp.ClientResponse) -> None:
        if response.status != 200:
            raise TransportError(f"{response.url} answered {response.status}.")


class Talkative(Hook):
    async def send(self, message: Message, address: str) -> int | None:
        logging.getLogger(__name__).warning("Sending to %s", address)
        return await super().send(message, address)


class Blocking(Hook):
    async def send(self, message: Message, address: str) -> int | None:
        request = urllib.request.Request(address, b"{}", method="POST")
        try:
            with urllib.request.urlopen(request, timeout=self.deadline) as response:  # noqa: ASYNC210 -- the fault
                return int(response.status)
        except OSError as error:
            raise TransportError("No answer.") from error


class Endless(Hook):
    def session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))


class Hopeful(Hook):
    """A transport that takes silence for an answer."""

    async def send(self, message: Message, address: str) -> int | None:
        try:
            return await super().send(message, address)
        except TransportError:
            return None


class Raw(Hook):
    async def send(self, message: Message, address: str) -> int | None:
        async with self.session() as session, session.post(address, json=self.body(message)) as response:
            self.judge(response)
            return response.status


class Final(Hook):
    def judge(self, response: aiohttp.ClientResponse) -> None:
        if response.status != 200:
            raise TransportError("Failed.", permanent=True)


class Patient(Hook):
    """A transport that takes every failure for a passing one, without a pause."""

    def judge(self, response: aiohttp.ClientResponse) -> None:
        if response.status != 200:
            raise TransportError("Failed.")


class Wordless(Hook):
    def judge(self, response: aiohttp.ClientResponse) -> None:
        if response.status != 200:
            raise TransportError("", permanent=response.status == 410)


class OneLoop(Hook):
    """A transport for the event loop of its first send only, like a session that is never closed."""

    loop: asyncio.AbstractEventLoop | None = None

    async def send(self, message: Message, address: str) -> int | None:
        self.loop = self.loop or asyncio.get_running_loop()
        if self.loop is not asyncio.get_running_loop():
            raise RuntimeError("Event loop is closed")
        return await super().send(message, address)


class Forgetful(Hook):
    """A transport that keeps the message under way on the instance."""

    under_way: Message

    async def send(self, message: Message, address: str) -> int | None:
        self.under_way = message
        await asyncio.sleep(0.01)
        return await super().send(self.under_way, address)


class Uncancellable(Hook):
    async def send(self, message: Message, address: str) -> int | None:
        end = time.monotonic() + 4 * self.deadline
        while time.monotonic() < end:
            try:
                await asyncio.sleep(0.1)
            except asyncio.CancelledError:
                logging.getLogger(__name__).info("Cancelled, and going on")
        return None


class Generous(Hook):
    def addresses(self, person: Any) -> Iterable[str]:
        return list(self.urls.values())


class Contradictory(Hook):
    def addresses_of(self, people: Collection[Any]) -> Mapping[Any, Iterable[str]]:
        return {person: ["elsewhere"] for person in people}


class Untitled(Hook):
    def body(self, message: Message) -> dict[str, str]:
        return {"text": message.body, "tag": message.tag}


class Renamed(Hook):
    """A transport that gives each attempt a tag of its own."""

    attempts = 0

    def body(self, message: Message) -> dict[str, str]:
        self.attempts += 1
        return {"text": message.title, "tag": f"{message.tag}-{self.attempts}"}


class Ascii(Hook):
    def body(self, message: Message) -> dict[str, str]:
        message.body.encode()
        return super().body(message)


class LongWinded(Hook):
    def addresses(self, person: Any) -> Iterable[str]:
        return [f"{url}?{'x' * 255}" for url in super().addresses(person)]


class Nameless(Hook):
    label = " "


@pytest.fixture
def people(db: None) -> Sequence[Any]:
    return [get_user_model().objects.create_user(name) for name in ("alice", "bob", "charlie")]


@pytest.mark.parametrize(
    ("faulty", "test"),
    [
        (Blocking, "silence_ends_at_the_deadline_and_delays_no_other"),
        (Endless, "silence_ends_at_the_deadline_and_delays_no_other"),
        (Hopeful, "silence_ends_at_the_deadline_and_delays_no_other"),
        (Hopeful, "one_failure_does_not_fail_the_others"),
        (Raw, "a_dropped_connection_is_a_temporary_failure"),
        (Final, "a_passing_failure_is_temporary_and_has_a_reason"),
        (Patient, "a_dead_address_is_a_permanent_failure"),
        (Patient, "a_pause_that_the_other_side_asks_for_is_passed_on"),
        (Patient, "a_message_that_is_too_long_is_accepted_when_it_is_shorter"),
        (Wordless, "a_passing_failure_is_temporary_and_has_a_reason"),
        (OneLoop, "it_can_be_closed_before_and_between_sends"),
        (Forgetful, "many_messages_are_sent_at_once_and_none_is_mixed_up"),
        (Uncancellable, "a_send_can_be_cancelled"),
        (Generous, "nobody_has_the_address_of_another_person"),
        (Contradictory, "the_addresses_of_many_people_equal_those_of_each"),
        (Untitled, "a_message_arrives_at_its_address_and_nowhere_else"),
        (Renamed, "sending_again_sends_again_under_the_same_tag"),
        (Renamed, "a_retraction_names_its_message_and_repeats_none_of_its_words"),
        (LongWinded, "addresses_are_texts_that_a_delivery_stores"),
    ],
)
def test_the_suite_finds(faulty: type[Hook], test: str, people: Sequence[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hook, "deadline", 0.5)
    monkeypatch.setattr(transport_failures, "DEADLINE", 0.75)
    monkeypatch.setattr(transport_failures, "GRACE", 0.25)
    transport = faulty()
    with Hooks(transport) as side, pytest.raises((AssertionError, aiohttp.ClientError, ValueError, RuntimeError)):
        getattr(TransportSuite(), f"test_{test}")(transport, side, people)


def test_the_suite_finds_a_label_without_words() -> None:
    with pytest.raises(AssertionError):
        TransportSuite().test_it_has_a_name_for_people(Nameless())


def test_the_suite_finds_a_text_that_is_not_accepted(people: Sequence[Any]) -> None:
    transport = Ascii()
    with Hooks(transport) as side, pytest.raises(UnicodeEncodeError):
        TransportSuite().test_any_text_is_accepted(transport, side, people, "\x00\ud800")


@pytest.mark.parametrize("faulty", [Leaky, Talkative])
def test_the_suite_finds_a_secret(faulty: type[Hook], people: Sequence[Any], caplog: pytest.LogCaptureFixture) -> None:
    transport = faulty()
    with Hooks(transport) as side, pytest.raises(AssertionError):
        TransportSuite().test_no_error_and_no_log_line_contains_a_secret(transport, side, people, caplog, Fault.PASSING)
