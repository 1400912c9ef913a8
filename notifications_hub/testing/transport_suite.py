"""The behaviour suite of transports: a test for every promise in the docstring of `Transport`.

class TestSlack(TransportSuite):
    @pytest.fixture
    def transport(self):
        return Slack()

    @pytest.fixture
    def other_side(self):
        with FakeSlack() as side:
            yield side
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.db import connections

from notifications_hub.database.primary import connection
from notifications_hub.message import retraction_of, shortened
from notifications_hub.testing.other_side import OtherSide
from notifications_hub.testing.sending import (
    MESSAGE,
    Sent,
    load,
    send,
    send_all,
    send_by,
    titles_at,
)
from notifications_hub.testing.transport_failures import TransportFailures
from notifications_hub.transports import (
    Closes,
    Loads,
    TooLong,
    Transport,
    addresses_of,
    keeps_table,
)
from notifications_hub.transports.declaration import declaration_in, faults_in

MANY = 20
LONGEST_ADDRESS = 255
BODIES = {"empty": "", "long": "x" * 10_000, "unstorable": "\x00\ud800", "markup": "<b>&amp;</b> *_`~"}


@pytest.mark.django_db
class TransportSuite(TransportFailures):
    """Tests of a transport. A subclass overrides the fixtures `transport` and `other_side`.

    They run with pytest and pytest-django. Each test gets a new transport, a new other side and three people.
    """

    @pytest.fixture
    def transport(self) -> Transport:
        """Return the transport under test."""
        pytest.fail("Override the fixture `transport`: return the transport under test.")

    @pytest.fixture
    def other_side(self) -> OtherSide:
        """Return the fake other side, to which the transport sends."""
        pytest.fail("Override the fixture `other_side`: return a fake other side, an `OtherSide`.")

    @pytest.fixture
    def people(self, db: None) -> Sequence[Any]:
        """Return Alice, Bob, and Charlie, who may get nothing of the others."""
        return [self.make_person(name) for name in ("alice", "bob", "charlie")]

    def make_person(self, name: str) -> Any:
        """Return a saved person. Override it if your user model requires more than a name or an email address."""
        model = get_user_model()
        required = [model.USERNAME_FIELD, *model.REQUIRED_FIELDS]
        return cast(Any, model._default_manager).create_user(**dict.fromkeys(required, f"{name}@example.com"))

    # The declaration

    def test_the_class_is_a_transport(self, transport: Transport) -> None:
        assert list(faults_in(type(transport))) == []

    def test_it_has_a_name_for_people(self, transport: Transport) -> None:
        declaration = declaration_in(getattr(transport, "name", "transport"), transport)
        assert declaration.words.strip()

    # Addresses

    def test_addresses_are_texts_that_a_delivery_stores(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        other_side.reach(people[0])
        addresses = addresses_of(transport, people[:1]).get(people[0].pk, [])
        assert addresses, "`addresses` does not find a person whom the other side can reach"
        assert all(0 < len(address) <= LONGEST_ADDRESS for address in addresses)

    def test_nobody_has_the_address_of_another_person(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        alice, bob, charlie = people
        of_alice, of_bob = other_side.reach(alice), other_side.reach(bob)
        assert of_alice in transport.addresses(alice)
        assert of_bob in transport.addresses(bob)
        for address, others in ((of_alice, (bob, charlie)), (of_bob, (alice, charlie))):
            assert [other for other in others if address in transport.addresses(other)] == []

    def test_the_addresses_of_many_people_equal_those_of_each(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        for person in people[:2]:
            other_side.reach(person)
        each = {person.pk: list(transport.addresses(person)) for person in people}
        assert addresses_of(transport, people) == {pk: addresses for pk, addresses in each.items() if addresses}

    def test_the_table_of_addresses_equals_them(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        for person in people[:2]:
            other_side.reach(person)
        table = transport.address_table() if keeps_table(transport) else None
        if table is None:
            pytest.skip("This transport keeps no table.")
        with connection.cursor() as sql:
            sql.execute(
                f"SELECT CAST({table.owner} AS text), CAST({table.address} AS text)"  # noqa: S608 -- the transport's
                f" FROM {table.name} AS address WHERE address.{table.usable}"
            )
            found = sorted(sql.fetchall())
        assert found == sorted(
            (str(pk).replace("-", "") if connection.vendor == "sqlite" else str(pk), address)
            for pk, addresses in addresses_of(transport, people).items()
            for address in addresses
        )

    # Sending

    def test_a_message_arrives_at_its_address_and_nowhere_else(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        address, elsewhere = other_side.reach(people[0]), other_side.reach(people[2])
        assert send(transport, address) == [None]
        assert titles_at(other_side, address) == [True]
        assert other_side.received(elsewhere) == []

    def test_a_function_that_was_loaded_sends_as_the_method_does(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        if not isinstance(transport, Loads):
            pytest.skip("This transport loads nothing.")
        address = other_side.reach(people[0])
        assert send(transport, address) == [None]
        unloaded = {address: partial(transport.send, address=address)}
        assert send_by(transport, [(MESSAGE, address)], unloaded) == [None]
        first, second = other_side.received(address)
        assert first == second

    def test_many_messages_are_sent_at_once_and_none_is_mixed_up(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        addresses = [other_side.reach(person) for person in people[:2]]
        jobs = [(replace(MESSAGE, title=f"Letter {n:02}."), addresses[n % 2]) for n in range(MANY)]
        assert send_all(transport, jobs) == [None] * MANY
        for one, address in enumerate(addresses):
            texts = " ".join(received.text for received in other_side.received(address))
            assert [n for n in range(MANY) if f"Letter {n:02}." in texts] == list(range(one, MANY, 2))

    def test_sending_again_sends_again_under_the_same_tag(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        address = other_side.reach(people[0])
        assert [send(transport, address), send(transport, address)] == [[None], [None]]
        assert titles_at(other_side, address) == [True, True]
        assert len({received.tag for received in other_side.received(address)}) == 1

    def test_a_retraction_names_its_message_and_repeats_none_of_its_words(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        if not declaration_in("transport", transport).retracts:
            pytest.skip("This transport takes nothing back.")
        address = other_side.reach(people[0])
        assert send(transport, address) == [None]
        # A worker that was killed sends it twice.
        assert [send(transport, address, retraction_of(MESSAGE)) for _ in range(2)] == [[None]] * 2
        sent, *retractions = other_side.received(address)
        for retraction in retractions:
            assert retraction.tag == sent.tag
            assert MESSAGE.title not in retraction.text
            assert MESSAGE.body not in retraction.text

    @pytest.mark.parametrize(
        "body", ["", "x" * 10_000, "\x00\ud800", "<b>&amp;</b> *_`~"], ids=["empty", "long", "unstorable", "markup"]
    )
    def test_any_text_is_accepted(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any], body: str
    ) -> None:
        address = other_side.reach(people[0])
        message = replace(MESSAGE, title="Title", body=body)
        [error] = send(transport, address, message)
        if isinstance(error, TooLong):
            [error] = send(transport, address, shortened(message))
        assert error is None
        assert ["Title" in received.text for received in other_side.received(address)] == [True]

    # Event loops

    def test_it_can_be_closed_before_and_between_sends(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        address = other_side.reach(people[0])
        if isinstance(transport, Closes):
            async_to_sync(transport.close)()
        # Each of these runs in an event loop of its own.
        assert [send(transport, address) for _ in range(3)] == [[None]] * 3

    @pytest.mark.django_db(transaction=True)
    def test_one_instance_serves_two_event_loops_at_once(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        addresses = [other_side.reach(person) for person in people[:2]]
        senders = load(transport, addresses)
        results: dict[str, Sent | Exception] = {}

        def work(address: str) -> None:
            try:
                results[address] = send_by(transport, [(MESSAGE, address)] * 3, senders)
            except Exception as error:  # noqa: BLE001 -- the assert shows it
                results[address] = error
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work, args=[address]) for address in addresses]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == {address: [None] * 3 for address in addresses}
