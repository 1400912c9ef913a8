"""Routes that do what a page does, with the same rights and limits: own addresses, tests, banners, the report."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from notifications_hub.announcements.banners.models import BannerDismissal
from notifications_hub.announcements.models import Announcement
from notifications_hub.inbox.push_trial import TESTS
from notifications_hub.transports.email.models import StoppedEmail
from notifications_hub.transports.own_addresses.models import OwnAddress
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from tests.inbox.support import API, NEVER, ClientFor, send_one

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]

OWN = f"{API}own-addresses/"
ADDED = {"method": "webhook", "address": "https://93.184.215.14/hook", "name": "Workshop"}


@pytest.fixture
def webhooks(settings: Settings) -> None:
    hub = {"TRANSPORTS": {"webhook": "notifications_hub.transports.webhook.transport.Webhook"}}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **hub}


def send(client: Client, path: str, body: Any = None) -> Any:
    return client.post(path, {} if body is None else body, content_type="application/json")


@pytest.mark.usefixtures("webhooks")
def test_a_secret_is_in_the_answer_that_makes_it_and_in_no_other(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    added = send(client, OWN, ADDED)
    assert added.status_code == 201
    one = f"{OWN}{added.json()['id']}/"
    renewed = send(client, f"{one}secret/").json()
    listed = client.get(OWN)
    tested = send(client, f"{one}test/")

    secrets = {added.json()["secret"], renewed["secret"]}
    assert len(secrets) == 2
    assert all(secret.startswith("whsec_") for secret in secrets)
    assert "whsec_" not in listed.content.decode()
    assert "/hook" not in listed.content.decode()
    assert [found["label"] for found in listed.json()["results"]] == [added.json()["label"]]
    assert [method["name"] for method in listed.json()["methods"]] == ["webhook"]
    report = client.get(f"{API}notifications/{tested.json()['id']}/why/").json()
    assert report["under_way"] is True
    assert any("Workshop" in step["text"] for step in report["steps"])
    assert client.delete(one).status_code == 204
    assert client.delete(one).status_code == 404
    assert not OwnAddress.objects.exists()


@pytest.mark.usefixtures("webhooks")
def test_charlie_reaches_no_address_browser_or_report_of_alice(
    alice: User, bob: User, charlie: User, client_for: ClientFor
) -> None:
    added = send(client_for(alice), OWN, ADDED).json()["id"]
    browser = PushSubscription.objects.create(owner=alice, endpoint="https://push.example/x")
    row = send_one(alice, bob)
    client = client_for(charlie)

    assert client.get(OWN).json()["results"] == []
    for path in (f"{OWN}%s/secret/", f"{OWN}%s/test/"):
        assert send(client, path % added).content == send(client, path % NEVER).content
        assert send(client, path % added).status_code == 404
    assert client.delete(f"{OWN}{added}/").status_code == 404
    assert send(client, f"{API}push/subscriptions/{browser.pk}/test/").status_code == 404
    assert client.get(f"{API}notifications/{row.item_id}/why/").status_code == 404
    assert OwnAddress.objects.count() == 1


@pytest.mark.usefixtures("webhooks")
def test_page_and_route_share_one_limit(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    for _ in range(20):
        assert send(client, OWN, {**ADDED, "address": "nonsense"}).status_code == 400
    page = client.post("/notifications/preferences/add-address/", {"transport": "webhook", "address": "nonsense"})
    route = send(client, OWN, ADDED)

    assert page.status_code == route.status_code == 429
    assert 0 < int(page["Retry-After"]) <= 3600
    assert 0 < int(route["Retry-After"]) <= 3600
    assert "Too many requests" in page.content.decode()


def test_tests_of_a_browser_are_limited_with_the_time_to_wait(alice: User, client_for: ClientFor) -> None:
    browser = PushSubscription.objects.create(owner=alice, endpoint="https://push.example/x", name="Firefox")
    client = client_for(alice)
    path = f"{API}push/subscriptions/{browser.pk}/test/"
    assert [send(client, path).status_code for _ in range(TESTS)] == [201] * TESTS
    refused = send(client, path)
    page = client.post("/notifications/preferences/test-device/", {"id": browser.pk})

    assert refused.status_code == page.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert "Please wait a minute." in page.content.decode()


def test_emails_are_resumed_once(alice: User, client_for: ClientFor) -> None:
    StoppedEmail.objects.create(address=alice.email.lower(), reason="bounced")
    answers = [send(client_for(alice), f"{API}preferences/resume-email/").json() for _ in range(2)]
    assert answers == [{"resumed": True}, {"resumed": False}]


@pytest.fixture
def banner() -> Announcement:
    ends = timezone.now() + timedelta(hours=1)
    return Announcement.objects.create(
        title="Maintenance",
        audience="everyone",
        announced_at=timezone.now(),
        ends_at=ends,
        is_banner=True,
        is_banner_public=True,
        is_banner_dismissable=True,
    )


def test_a_person_dismisses_a_banner_with_the_csrf_token_only(
    alice: User, banner: Announcement, client_for: ClientFor
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert send(strict, f"{API}banners/dismiss/", {"id": banner.item_id}).status_code == 403
    client = client_for(alice)
    assert [one["id"] for one in client.get(f"{API}banners/").json()["banners"]] == [banner.item_id]
    answers = [send(client, f"{API}banners/dismiss/", {"id": banner.item_id}).json() for _ in range(2)]

    assert answers == [{"dismissed": True}, {"dismissed": False}]
    assert BannerDismissal.objects.get().person_id == alice.pk
    assert client.get(f"{API}banners/").json() == {"banners": [], "dismissed": [banner.item_id]}


def test_a_visitor_dismisses_a_public_banner_by_a_cookie(banner: Announcement) -> None:
    visitor = Client(enforce_csrf_checks=True)
    assert len(visitor.get(f"{API}banners/").json()["banners"]) == 1
    foreign = visitor.post(
        f"{API}banners/dismiss/", {"id": "a1"}, "application/json", headers={"origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
    assert send(visitor, f"{API}banners/dismiss/", {"id": banner.item_id}).json() == {"dismissed": True}
    assert visitor.get(f"{API}banners/").json()["banners"] == []
