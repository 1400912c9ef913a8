"""Limits on what staff with few permissions can read in the hub's admin: by filters, by search, and on its pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Permission
from django.test import Client
from notifications.signals import notify

from accounts.models import User
from notifications_hub.admin_guards import DeclaredLookups
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery
from notifications_hub.jobs.models import Job
from notifications_hub.models import Notification, PushSubscription

if TYPE_CHECKING:
    Staff = Callable[..., Client]

ADMIN = "/admin/notifications_hub/"
SECRET = "c2VjcmV0"
WORDS = "Your test results are here"
CONTENT = "view_recipient_content"

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="sqlite")]


@pytest.fixture
def staff(bob: User) -> Staff:
    """Bob, signed in as staff with exactly these permissions."""

    def staff(*codenames: str) -> Client:
        bob.is_staff = True
        bob.save()
        bob.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client(raise_request_exception=False)
        client.force_login(bob)
        return client

    return staff


@pytest.fixture
def planned(alice: User, charlie: User) -> Delivery:
    """A push to Alice with private content."""
    notify.send(charlie, recipient=alice, verb="wrote", description=WORDS, url="/private-place/", secret=SECRET)
    row = Notification.objects.get()
    browser = PushSubscription.objects.create(
        owner=alice,
        endpoint=f"https://push.example/{SECRET}",
        endpoint_hash="h",
        p256dh=SECRET,
        auth=SECRET,
        name="Firefox",
    )
    Job.objects.create(owner=alice, title="Report", task="write", value={"a": SECRET}, arguments={"b": SECRET})
    arming.arm([Plan(notification_pk=row.pk, transport="web_push", address=str(browser.pk))])
    return Delivery.objects.get()


@pytest.mark.usefixtures("planned")
@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        ("pushsubscription", "auth__regex"),
        ("pushsubscription", "auth__startswith"),
        ("pushsubscription", "p256dh"),
        ("pushsubscription", "endpoint__contains"),
        ("pushsubscription", "owner__password__startswith"),
        ("job", "value__contains"),
        ("job", "arguments__icontains"),
        ("job", "value__isnull"),
        ("job", "reason__regex"),
        ("notification", "data__contains"),
        ("notification", "description__startswith"),
        ("notification", "recipient__password__startswith"),
        ("notification", "unread__in"),
        ("delivery", "notification__description__startswith"),
        ("delivery", "address"),
        ("stream", "epoch__startswith"),
        ("announcement", "by__password__startswith"),
        ("announcement", "body__regex"),
        ("announcement", "no_such_field"),
    ],
)
def test_a_lookup_that_no_filter_declares_is_refused(staff: Staff, model: str, lookup: str) -> None:
    answer = staff(f"view_{model}", CONTENT).get(f"{ADMIN}{model}/", {lookup: SECRET[:3]})

    assert answer.status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.usefixtures("planned")
@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("notification", "unread__exact=1"),
        ("notification", "kind=default&delivered_by="),
        ("delivery", "transport=web_push&state__exact=waiting"),
        ("job", "state__exact=queued"),
        ("job", "reason__exact=lost"),
        ("announcement", "state=running&level__exact=info"),
        ("pushsubscription", "q=ali&o=1&p=1"),
    ],
)
def test_the_links_of_the_pages_themselves_work(staff: Staff, model: str, query: str) -> None:
    assert staff(f"view_{model}").get(f"{ADMIN}{model}/?{query}").status_code == HTTPStatus.OK


def test_every_admin_of_the_hub_is_guarded() -> None:
    ours = [one for model, one in django_admin.site._registry.items() if model._meta.app_label == "notifications_hub"]

    assert len(ours) >= 6
    assert all(isinstance(one, DeclaredLookups) for one in ours)


@pytest.mark.usefixtures("planned")
@pytest.mark.parametrize("model", ["pushsubscription", "job", "delivery", "notification"])
def test_a_search_finds_people_and_no_secrets(staff: Staff, model: str) -> None:
    client = staff(f"view_{model}", CONTENT)
    found = {q: len(client.get(f"{ADMIN}{model}/", {"q": q}).context["cl"].result_list) for q in ("alice", SECRET)}

    assert found == {"alice": 1, SECRET: 0}


def everything(client: Client, planned: Delivery) -> str:
    """Return the HTML of every page that shows the notification or its delivery."""
    notification = planned.notification_id
    pages = [
        "notification/",
        f"notification/{notification}/change/",
        f"notification/{notification}/history/",
        "delivery/",
        f"delivery/{planned.pk}/change/",
        f"delivery/{planned.pk}/history/",
    ]
    answers = [client.get(ADMIN + page) for page in pages]
    assert {answer.status_code for answer in answers} == {HTTPStatus.OK}
    return "".join(answer.content.decode() for answer in answers)


CONTENTS = ("Charlie wrote", WORDS, "/private-place/", SECRET)


def test_staff_see_the_content_of_notifications_only_with_its_own_permission(staff: Staff, planned: Delivery) -> None:
    rights = ("view_delivery", "view_notification")
    hidden = everything(staff(*rights), planned)
    shown = everything(staff(*rights, CONTENT), planned)

    assert [words for words in CONTENTS if words in hidden] == []
    assert [words for words in CONTENTS if words in shown] == list(CONTENTS)
    for words in ("Alice", "Web Push", "Firefox", "It happened."):
        assert words in hidden


def test_hidden_content_is_neither_in_completions_nor_on_the_page_that_deletes_a_person(
    staff: Staff, planned: Delivery, alice: User
) -> None:
    deletes = [f"delete_{model}" for model in ("user", "notification", "delivery", "job", "pushsubscription")]
    client = staff("view_notification", "view_delivery", "view_user", *deletes)
    completions = client.get(
        "/admin/autocomplete/",
        {"app_label": "notifications_hub", "model_name": "delivery", "field_name": "notification", "term": "alice"},
    )
    deletion = client.get(f"/admin/accounts/user/{alice.pk}/delete/")
    named: list[dict[str, Any]] = json.loads(completions.content)["results"]

    assert [one["text"] for one in named] == [f"default {planned.notification_id}"]
    assert deletion.status_code == HTTPStatus.OK
    assert f"default {planned.notification_id}" in deletion.content.decode()
    assert [words for words in CONTENTS if words in deletion.content.decode()] == []
