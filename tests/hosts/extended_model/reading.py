"""A host's own columns in kinds, pages and the admin. `test_extended_model.py` runs this file."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from django.contrib import admin as django_admin

from accounts.models import User
from notifications_hub import Notification
from notifications_hub.delivery.claiming import claim_due
from notifications_hub.delivery.models import Delivery
from notifications_hub.inbox import queries
from tests.hosts.extended_model.support import ClientFor, committing, rows, send, statements
from tests.hosts.extended_model.tenancy.models import CaseColumns, Tenant
from tests.support.log import delivered_to

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


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
