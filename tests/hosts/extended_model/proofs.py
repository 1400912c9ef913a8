"""Notifications with a host's own columns. `test_extended_model.py` runs this file with the settings beside it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin as django_admin
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from notifications.signals import notify

from accounts.models import User
from notifications_hub import BadArgument, Notification, broadcast
from notifications_hub.delivery.claiming import claim_due
from notifications_hub.delivery.models import Delivery
from notifications_hub.inbox import marks, queries
from notifications_hub.inbox.marks import Mark
from notifications_hub.streams import Event
from notifications_hub.streams.numberer import Numberer
from tests.hosts.extended_model.tenancy.models import CaseColumns, Tenant
from tests.support.buffers import buffers_of
from tests.support.log import delivered_to
from tests.support.processes import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
committing = pytest.mark.django_db(transaction=True)
"""A test whose transactions are real, which takes longer."""

ClientFor = Callable[[User], Client]


@pytest.fixture
def acme(db: None) -> Tenant:
    return Tenant.objects.create(name="Acme")


@pytest.fixture
def globex(db: None) -> Tenant:
    return Tenant.objects.create(name="Globex")


def send(actor: User, recipient: object, **given: Any) -> list[Notification]:
    answers: Any = notify.send(actor, recipient=recipient, **{"verb": "moved", "kind": "case.moved", **given})
    return list(answers[0][1])


def statements(act: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        act()
    return [query["sql"] for query in queries]


def rows() -> Any:
    """Return the manager, untyped: the type checker reads the settings without this app."""
    return Notification.objects


def columns(row: Notification) -> CaseColumns:
    found: CaseColumns = CaseColumns.objects.get(notification=row)
    return found


# Writing


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


# Reading


CASE = UUID("00000000-0000-4000-8000-000000000001")
TITLES = {"case.moved": "Acme: moved (billing)", "case.for": "Alice, Acme moved"}


@pytest.mark.parametrize("kind", TITLES)
def test_kinds_read_the_columns_and_pages_receive_those_that_the_host_names(
    bob: User, acme: Tenant, alice: User, client_for: ClientFor, kind: str
) -> None:
    send(bob, alice, tenant=acme, category="billing", labels=["secret"], case=CASE, kind=kind)
    [(_created, item)] = delivered_to(alice, "notification.created")
    assert item["title"] == TITLES[kind]
    assert item["extension"] == {"tenant": acme.pk, "category": "billing", "case": str(CASE)}
    assert item["scope"] == str(acme.pk)
    [listed] = client_for(alice).get("/api/v1/notifications/").json()["results"]
    assert listed == {**item, "toast": True}
    assert "secret" not in json.dumps(listed)


def test_a_page_reads_the_columns_of_its_rows_in_the_same_query(
    alice: User, bob: User, acme: Tenant, globex: Tenant
) -> None:
    def read() -> list[str]:
        return [item.message.title for item in queries.items(alice).items]

    send(bob, alice, tenant=acme)
    few = statements(read)
    for tenant in (globex, acme, globex):
        send(bob, alice, tenant=tenant)
    assert len(statements(read)) == len(few)
    assert read()[:2] == ["Globex: moved (general)", "Acme: moved (general)"]


def test_a_row_that_is_older_than_the_extension_is_read_with_default_values(alice: User, bob: User) -> None:
    row = Notification.objects.create(recipient=alice, verb="moved", actor_name="Bob", kind="password.changed")
    shown = Notification.objects.for_items().get(pk=row.pk)
    assert shown.item().as_json()["extension"] == {"tenant": None, "category": "general", "case": None}
    assert queries.items(alice).items[0].message.title == "Bob moved"


def test_a_worker_reads_the_columns_of_what_it_claims(alice: User, bob: User, acme: Tenant) -> None:
    sent = [*send(bob, alice, tenant=acme), *send(bob, alice, tenant=acme)]
    for row in sent:
        Delivery.objects.create(notification=row, transport="memory", address="x", due_at=row.timestamp)
    claimed = claim_due()
    assert statements(lambda: [one.notification.message() for one in claimed]) == []


def test_the_admin_shows_the_columns(admin: User, alice: User, acme: Tenant, client_for: ClientFor) -> None:
    [row] = send(admin, alice, tenant=acme, category="billing")
    page = client_for(admin).get(f"/admin/notifications_hub/notification/{row.pk}/change/").content.decode()
    assert "Acme" in page
    assert "billing" in page
    listed = client_for(admin).get("/admin/notifications_hub/notification/").content.decode()
    assert "billing" in listed


def test_the_admin_hides_the_columns_without_the_permission(
    admin: User, alice: User, acme: Tenant, client_for: ClientFor
) -> None:
    from django.contrib.auth.models import Permission

    staff = User.objects.create_user("staff", password="x", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_notification"))
    [row] = send(admin, alice, tenant=acme, category="billing")
    for path in ("", f"{row.pk}/change/"):
        assert "billing" not in client_for(staff).get(f"/admin/notifications_hub/notification/{path}").content.decode()


def test_the_lists_of_the_admin_read_the_columns_with_their_rows(
    admin: User, alice: User, acme: Tenant, client_for: ClientFor
) -> None:
    client = client_for(admin)

    def read() -> int:
        paths = [f"/admin/notifications_hub/{name}/" for name in ("notification", "delivery")]
        return len(statements(lambda: [client.get(path) for path in paths]))

    def send_and_deliver() -> None:
        [row] = send(admin, alice, tenant=acme)
        Delivery.objects.create(notification=row, transport="memory", address="x", due_at=row.timestamp)

    send_and_deliver()
    read()
    few = read()
    send_and_deliver()
    send_and_deliver()
    assert read() == few


def test_every_list_of_the_admin_still_opens(admin: User, alice: User, acme: Tenant, client_for: ClientFor) -> None:
    send(admin, alice, tenant=acme)
    for model in django_admin.site._registry:
        if model._meta.app_label == "notifications_hub":
            path = f"/admin/notifications_hub/{model._meta.model_name}/"
            assert client_for(admin).get(path).status_code == 200, path


# Deleting


@committing
def test_deleted_notifications_take_their_columns_along_in_one_statement(alice: User, bob: User, acme: Tenant) -> None:
    for _ in range(3):
        send(bob, [alice, bob], tenant=acme)
    deleted = statements(lambda: Notification.objects.filter(recipient=alice).delete())
    assert not [one for one in deleted if one.startswith("SELECT") and "casecolumns" in one]
    assert len([one for one in deleted if one.startswith('DELETE FROM "tenancy_casecolumns"')]) == 1
    assert CaseColumns.objects.count() == 3
    bob.delete()
    assert CaseColumns.objects.count() == 0


@committing
def test_the_notifications_of_a_tenant_can_be_deleted(alice: User, bob: User, acme: Tenant, globex: Tenant) -> None:
    send(bob, [alice, bob], tenant=acme)
    send(bob, alice, tenant=globex)
    rows().filter(extension__tenant=acme).delete()
    assert list(CaseColumns.objects.values_list("tenant", flat=True)) == [globex.pk]
    assert [kind for kind, _data in delivered_to(alice)][-1] == "notification.deleted"


# Scopes


class Desk:
    """A person's inbox as the pages of each tenant show it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def _given(self, tenant: Tenant | None) -> dict[str, str]:
        return {"X-Tenant": tenant.name} if tenant else {}

    def get(self, path: str, tenant: Tenant | None) -> Any:
        return self._client.get(path, headers=self._given(tenant))

    def titles(self, tenant: Tenant | None, query: str = "") -> list[str]:
        return [item["title"] for item in self.get(f"/api/v1/notifications/?{query}", tenant).json()["results"]]

    def count(self, tenant: Tenant | None) -> tuple[int, int]:
        counts = self.get("/api/v1/notifications/count/", tenant).json()
        return counts["unread"], counts["unseen"]

    def mark_all(self, action: str, tenant: Tenant | None) -> int:
        path = f"/api/v1/notifications/{action}/"
        answer = self._client.post(path, {"all": True}, "application/json", headers=self._given(tenant))
        return int(answer.json()["changed"])


@pytest.fixture
def desk(alice: User, client_for: ClientFor) -> Desk:
    return Desk(client_for(alice))


@pytest.fixture
def _mixed(alice: User, bob: User, acme: Tenant, globex: Tenant) -> None:
    for tenant, number in ((acme, 1), (globex, 2), (acme, 3)):
        send(bob, alice, tenant=tenant, category=str(number))
    send(bob, alice, kind="password.changed", verb="changed it")
    broadcast(title="Closed on Sunday")


@pytest.mark.usefixtures("_mixed")
def test_a_scope_lists_and_counts_its_own_and_what_belongs_to_all(desk: Desk, acme: Tenant, globex: Tenant) -> None:
    shared = ["Closed on Sunday", "Bob changed it"]
    assert desk.count(acme) == (4, 4)
    assert sorted(desk.titles(acme)) == sorted([*shared, "Acme: moved (3)", "Acme: moved (1)"])
    assert desk.titles(acme)[2:] == ["Acme: moved (3)", "Acme: moved (1)"]
    assert sorted(desk.titles(globex)) == sorted([*shared, "Globex: moved (2)"])
    assert (desk.count(globex), desk.count(None)) == ((3, 3), (5, 5))
    assert len(desk.titles(None)) == 5


@pytest.mark.usefixtures("_mixed")
@pytest.mark.parametrize("query", ["unread=true", "kind=case.moved", "unread=true&kind=case.moved"])
def test_filters_apply_within_a_scope(desk: Desk, globex: Tenant, query: str) -> None:
    assert [title for title in desk.titles(globex, query) if "moved" in title] == ["Globex: moved (2)"]


@pytest.mark.usefixtures("_mixed")
def test_pages_of_a_scope_follow_each_other(alice: User, bob: User, acme: Tenant, globex: Tenant) -> None:
    for number in range(4, 12):
        send(bob, alice, tenant=acme if number % 2 else globex, category=str(number))
    seen, before = [], None
    while True:
        page = queries.items(alice, scope=str(acme.pk), limit=2, before=before)
        seen += [item.message.title for item in page.items]
        before = page.next
        if before is None:
            break
    assert [title for title in seen if "moved" in title] == [f"Acme: moved ({n})" for n in (11, 9, 7, 5, 3, 1)]
    assert len(seen) == 8


@pytest.mark.usefixtures("_mixed")
def test_marking_all_marks_the_scope_and_can_be_undone(desk: Desk, alice: User, acme: Tenant, globex: Tenant) -> None:
    assert desk.mark_all("seen", acme) == 4
    assert desk.count(globex) == (3, 1)
    marked = marks.mark_all(alice, Mark.READ, str(acme.pk))
    assert marked.changed == 4
    assert (desk.count(acme), desk.count(globex)) == ((0, 0), (1, 1))
    assert marked.undo is not None
    assert marks.undo(alice, marked.undo) == 4


@pytest.mark.usefixtures("_mixed")
def test_the_archive_and_the_inbox_page_follow_the_scope(desk: Desk, alice: User, acme: Tenant, globex: Tenant) -> None:
    marks.mark(alice, Mark.ARCHIVE, [str(row.pk) for row in Notification.objects.filter(kind="case.moved")])
    page = desk.get("/notifications/?show=archived", acme).content.decode()
    assert "Acme: moved (3)" in page
    assert "Globex" not in page
    assert desk.mark_all("unarchive", globex) == 1
    page = desk.get("/notifications/", globex).content.decode()
    assert "Globex: moved (2)" in page
    assert "Acme" not in page
    assert f'scope="{globex.pk}"' in page


@pytest.mark.usefixtures("_mixed")
def test_the_bell_counts_its_tenant_and_tells_its_script_the_scope(desk: Desk, globex: Tenant) -> None:
    page = desk.get("/", globex).content.decode()
    assert f'scope="{globex.pk}"' in page
    assert 'unread="3"' in page
    assert 'scope="' not in desk.get("/", None).content.decode()


@pytest.fixture
def _busy(alice: User, bob: User, acme: Tenant, globex: Tenant) -> None:
    """Give Alice 100,000 notifications, of which a hundred belong to the tenant that most of Bob's belong to."""
    quiet = f"CASE WHEN n % 1000 = 0 THEN '{globex.pk}' ELSE scope END"
    _multiply(Notification.objects.create(recipient=alice, verb="moved", scope=str(acme.pk)), 100_000, quiet)
    _multiply(Notification.objects.create(recipient=bob, verb="moved", scope=str(globex.pk)), 60_000, "scope")
    with connection.cursor() as sql:
        sql.execute("VACUUM ANALYZE notifications_hub_notification")


def _multiply(row: Notification, size: int, scope: str) -> None:
    """Insert copies of a row, a minute apart. `scope` is SQL in terms of `n`, from 1 on."""
    table = "notifications_hub_notification"
    given = {"id": f"nextval(pg_get_serial_sequence('{table}', 'id'))", "scope": scope}
    given |= {"timestamp": "timestamp - n * interval '1 minute'"}
    names = [str(field.column) for field in Notification._meta.concrete_fields]
    values = ", ".join(given.get(name, name) for name in names)
    source = f"{table}, generate_series(1, {size - 1}) AS n WHERE id = {row.pk}"
    with connection.cursor() as sql:
        sql.execute(f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {source}")


@committing
@pytest.mark.postgres
@pytest.mark.usefixtures("_busy")
def test_a_quiet_tenant_of_a_busy_person_costs_what_it_shows(alice: User, acme: Tenant, globex: Tenant) -> None:
    for scope in (str(acme.pk), str(globex.pk)):
        found = {
            "count": buffers_of(partial(queries.counts, alice, scope)),
            "list": buffers_of(partial(queries.items, alice, scope=scope)),
            "unread": buffers_of(partial(queries.items, alice, scope=scope, unread=True)),
        }
        assert max(found.values()) < 700, (scope, found)
