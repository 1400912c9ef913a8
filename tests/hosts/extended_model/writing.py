"""A host's own columns, written by `notify.send()`. `test_extended_model.py` runs this file."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from notifications_hub import BadArgument, Notification
from notifications_hub.streams import Event
from notifications_hub.streams.numberer import Numberer
from tests.hosts.extended_model.support import columns, committing, rows, send, statements
from tests.hosts.extended_model.tenancy.models import CaseColumns, Tenant
from tests.support.processes import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_a_keyword_is_stored_in_the_column_of_its_name_and_others_stay_data(
    alice: User, bob: User, acme: Tenant
) -> None:
    [row] = send(bob, alice, tenant=acme, category="billing", colour="blue")
    stored = columns(row)
    assert (stored.tenant, stored.category, stored.weight, stored.labels) == (acme, "billing", 0, [])
    assert stored.created is not None
    assert rows().get(extension__category="billing").data == {"colour": "blue"}


@pytest.mark.parametrize("kind", ["case.moved", "case.for"])
def test_a_returned_row_has_its_columns_without_a_query(alice: User, bob: User, acme: Tenant, kind: str) -> None:
    first, second = send(bob, [alice, bob], tenant=acme, labels=["urgent"], kind=kind)
    assert statements(lambda: [first.extension.tenant.name, second.extension.labels]) == []  # type: ignore[attr-defined]
    assert first.extension.pk == first.pk  # type: ignore[attr-defined]
    first.extension.category = "billing"  # type: ignore[attr-defined]
    first.extension.save()  # type: ignore[attr-defined]
    assert (columns(first).category, columns(second).category) == ("billing", "general")


@committing
@pytest.mark.postgres
def test_postgresql_takes_one_statement_for_one_person_and_numbers_the_event(
    alice: User, bob: User, acme: Tenant, numberer: Numberer
) -> None:
    send(bob, alice, tenant=acme)
    assert numberer.finish(20)
    sent = statements(lambda: send(bob, alice, tenant=acme, reviewer=acme, labels=["it's 100 %"]))
    assert [one.split()[0] for one in sent] == ["WITH"]
    assert list(Event.objects.order_by("id").values_list("seq", flat=True)) == [1, 2]
    assert CaseColumns.objects.latest("pk").labels == ["it's 100 %"]


@committing
@pytest.mark.postgres
def test_postgresql_takes_one_statement_for_a_thousand_people(bob: User, acme: Tenant, numberer: Numberer) -> None:
    people = User.objects.bulk_create([User(username=f"person{number}") for number in range(1000)])
    send(bob, bob, tenant=acme)
    assert [one.split()[0] for one in statements(lambda: send(bob, people, tenant=acme))] == ["WITH"]
    assert CaseColumns.objects.filter(tenant=acme).count() == 1001


def test_row_by_row_it_takes_one_more_statement_for_any_number_of_people(
    alice: User, bob: User, charlie: User, acme: Tenant
) -> None:
    sent = statements(lambda: send(bob, [alice, bob, charlie], tenant=acme, kind="case.for"))
    assert len([one for one in sent if one.startswith('INSERT INTO "tenancy_casecolumns"')]) == 1
    assert CaseColumns.objects.count() == 3


def test_a_repeated_key_writes_no_columns(alice: User, bob: User, acme: Tenant, globex: Tenant) -> None:
    send(bob, alice, tenant=acme, dedupe_key="case-9")
    assert send(bob, [alice, bob], tenant=globex, dedupe_key="case-9")[0].recipient == bob
    found = CaseColumns.objects.order_by("pk").values_list("notification__recipient", "tenant")
    assert list(found) == [(alice.pk, acme.pk), (bob.pk, globex.pk)]


def test_a_rolled_back_notification_leaves_no_columns(alice: User, bob: User, acme: Tenant) -> None:
    with transaction.atomic():
        send(bob, alice, tenant=acme)
        transaction.set_rollback(True)
    assert (Notification.objects.count(), CaseColumns.objects.count()) == (0, 0)


def test_a_foreign_key_takes_a_primary_key_too(alice: User, bob: User, acme: Tenant, globex: Tenant) -> None:
    made = [*send(bob, alice, tenant=acme.pk), *send(bob, alice, tenant_id=str(globex.pk), reviewer=None)]
    assert [columns(row).tenant for row in made] == [acme, globex]


@committing
def test_a_key_of_no_row_stores_nothing(alice: User, bob: User, acme: Tenant) -> None:
    with pytest.raises(IntegrityError):
        send(bob, alice, tenant=acme.pk + 1)
    assert (Notification.objects.count(), Event.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "CaseColumns needs tenant=…, or a default for it"),
        ({"tenant": None}, "the tenant must not be None"),
        ({"tenant": "Acme"}, "the tenant must be a saved Tenant or its primary key, not 'Acme'"),
        ({"tenant": Tenant(name="New")}, "is not saved yet; save it first"),
        ({"tenant": User(pk=1)}, "the tenant must be a saved Tenant or its primary key, not <User"),
        ({"tenant": 1, "tenant_id": 2}, "give either tenant or tenant_id"),
        ({"tenant": 1, "weight": "heavy"}, "the weight must be a value for a PositiveSmallIntegerField, not 'heavy'"),
        ({"tenant": 1, "weight": -1}, "greater than or equal to 0"),
        ({"tenant": 1, "category": "x" * 21}, "at most 20 characters"),
        ({"tenant": 1, "category": "a\0b"}, "NUL"),
        ({"tenant": 1, "labels": {1, 2}}, "the labels must be a value for a JSONField"),
        ({"tenant": 1, "labels": ["a\0b"]}, "NUL"),
        ({"tenant": 1, "case": "9"}, "is not a valid UUID"),
        ({"tenant": 1, "kind": "password.changed"}, "has_extension = False, so it takes no tenant"),
    ],
)
def test_a_wrong_keyword_is_an_error_that_names_the_remedy_and_stores_nothing(
    alice: User, bob: User, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadArgument) as error:
        send(bob, alice, **given)
    assert said in str(error.value)
    assert str(error.value).startswith("notify.send(): ")
    assert Notification.objects.count() == 0


def test_a_kind_without_an_extension_has_no_columns_and_belongs_to_every_scope(alice: User, bob: User) -> None:
    [row] = send(bob, alice, kind="password.changed")
    assert (CaseColumns.objects.count(), row.scope) == (0, "")


@pytest.mark.parametrize("kind", ["push.test", "task.done", "task.failed"])
def test_what_the_hub_itself_sends_needs_no_columns(alice: User, kind: str) -> None:
    [row] = send(alice, alice, kind=kind)
    assert row.message().title


@committing
@pytest.mark.postgres
def test_a_locked_tenant_delays_no_number_of_another(
    alice: User, bob: User, acme: Tenant, globex: Tenant, numberer: Numberer
) -> None:
    """Check that the statement leaves the stream alone while somebody else holds the tenant."""
    send(bob, alice, tenant=acme)
    assert numberer.finish(20)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Tenant.objects.select_for_update().get(pk=acme.pk)
            held.set()
            release.wait(30)
        connection.close()

    def send_to_the_held() -> None:
        send(bob, alice, tenant=acme)
        connection.close()

    holder, waiting = threading.Thread(target=hold), threading.Thread(target=send_to_the_held)
    holder.start()
    assert held.wait(10)
    waiting.start()
    try:
        wait_until(_is_somebody_blocked, what="the other thread, blocked at its commit")
        send(bob, alice, tenant=globex)
        assert Event.objects.latest("id").seq is not None
    finally:
        release.set()
        holder.join()
        waiting.join()


def _is_somebody_blocked() -> bool:
    with connection.cursor() as sql:
        sql.execute("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
        return sql.fetchone() is not None
