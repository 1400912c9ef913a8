"""An inbox for each tenant. `test_extended_model.py` runs this file."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from notifications_hub import Notification, broadcast
from notifications_hub.inbox import marks, queries
from notifications_hub.inbox.marks import Mark
from tests.hosts.extended_model.support import ClientFor, committing, send
from tests.hosts.extended_model.tenancy.models import Tenant
from tests.support.buffers import buffers_of

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


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
        page = queries.items(alice, scope=str(acme.pk), limit=2, place=queries.place_of(alice, before=before))
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
        assert max(found.values()) < 500, (scope, found)
