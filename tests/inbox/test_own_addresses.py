"""The section of the preferences page where people add addresses of their own."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.core.signals import got_request_exception
from django.http import HttpRequest
from django.test import Client
from django.utils import translation
from django.views.debug import ExceptionReporter
from pytest_django import Settings
from standardwebhooks import Webhook as Verifier

from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.worker import Worker
from notifications_hub.notification import Notification
from notifications_hub.transports.own_addresses import store
from notifications_hub.transports.own_addresses.models import OwnAddress
from notifications_hub.transports.own_addresses.store import PER_PERSON, add_address
from notifications_hub.transports.own_addresses.transport import AddressRefused
from tests.inbox.support import ClientFor, send_one
from tests.support.deliveries import make_due, one_worker
from tests.support.receiver import Answer, Receiver, receiver
from tests.support.together import together

if TYPE_CHECKING:
    from accounts.models import User

__all__ = ["one_worker"]
pytestmark = [pytest.mark.both_databases(short="sqlite"), pytest.mark.django_db]

PREFERENCES = "/notifications/preferences/"
ADD, TEST, RENEW, REMOVE = (
    f"{PREFERENCES}{name}/" for name in ("add-address", "test-address", "renew-secret", "remove-address")
)
TRANSPORTS = {
    "web_push": None,
    "webhook": "notifications_hub.transports.webhook.transport.Webhook",
    "apprise": "notifications_hub.transports.apprise.transport.Apprise",
}
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


@pytest.fixture
def there(settings: Settings) -> Iterator[Receiver]:
    with receiver() as one:
        settings.NOTIFICATIONS_HUB = {
            **settings.NOTIFICATIONS_HUB,
            "TRANSPORTS": TRANSPORTS,
            "WEBHOOK_EXTRA_HOSTS": [one.host],
        }
        yield one


def hook(there: Receiver, path: str = "/hook", **given: str) -> dict[str, str]:
    return {"transport": "webhook", "address": f"{there.url}{path}", **given}


def turn(worker: Worker) -> None:
    """Send what is due, and record it."""
    make_due()
    worker.turn()
    worker.finish()


def test_without_such_a_transport_there_is_no_section(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    assert "Your own addresses" not in client.get(PREFERENCES).content.decode()
    assert client.post(ADD, {"transport": "webhook", "address": "https://example.com/"}).status_code == 404


def test_a_secret_is_shown_once(there: Receiver, alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    page = client.post(ADD, hook(there, "/secret-path", name="Workshop"))
    assert page["Cache-Control"] == "no-store, private"
    [secret] = SECRET.findall(page.content.decode())
    later = client.get(PREFERENCES).content.decode()
    assert "Workshop (127.0.0.1)" in later
    assert secret not in later
    assert "secret-path" not in later


def test_a_notification_goes_to_the_address_signed(
    there: Receiver, alice: User, bob: User, client_for: ClientFor, one_worker: Worker
) -> None:
    [secret] = SECRET.findall(client_for(alice).post(ADD, hook(there)).content.decode())
    row = send_one(alice, bob, verb="replied to you")
    assert Delivery.objects.get().address == str(OwnAddress.objects.get().pk)
    turn(one_worker)
    [request] = there.requests
    assert Verifier(secret).verify(request.body, dict(request.headers))["data"]["id"] == row.item_id
    assert Delivery.objects.get().state == DeliveryState.SENT
    # A machine got it. The person is notified in other ways too.
    row.refresh_from_db()
    assert row.delivered_at is None
    assert OwnAddress.objects.get().last_used is not None


def test_a_test_reports_why_it_failed(there: Receiver, alice: User, client_for: ClientFor, one_worker: Worker) -> None:
    client = client_for(alice)
    row = add_address(alice, "webhook", f"{there.url}/hook", name="Workshop").row
    there.answer(Answer(404))
    why = client.post(TEST, {"id": row.pk})["Location"]
    turn(one_worker)
    page = client.get(why).content.decode()
    assert "It didn&#x27;t reach Workshop (127.0.0.1). The service answered 404. We&#x27;ll try again." in page
    turn(one_worker)
    assert "Sent to Workshop (127.0.0.1)." in client.get(why).content.decode()
    assert Notification.objects.get().kind == "push.test"


def test_an_address_that_is_gone_is_shown_as_stopped(
    there: Receiver, alice: User, bob: User, client_for: ClientFor, one_worker: Worker
) -> None:
    client = client_for(alice)
    add_address(alice, "webhook", f"{there.url}/hook")
    there.gone.add("/hook")
    send_one(alice, bob)
    turn(one_worker)
    page = client.get(PREFERENCES).content.decode()
    assert "The service no longer accepts this address." in page
    assert TEST not in page
    send_one(alice, bob)
    assert Delivery.objects.count() == 1
    assert client.post(ADD, hook(there)).status_code == 200
    assert "no longer accepts" not in client.get(PREFERENCES).content.decode()
    assert OwnAddress.objects.get().stopped_at is None


def test_a_new_secret_is_shown_once_and_signs(there: Receiver, alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    added = add_address(alice, "webhook", f"{there.url}/hook")
    [secret] = SECRET.findall(client.post(RENEW, {"id": added.row.pk}).content.decode())
    assert OwnAddress.objects.get().destination().secrets == (secret, added.secret)
    assert SECRET.findall(client.get(PREFERENCES).content.decode()) == []


def test_a_refused_address_is_explained_beside_its_field(there: Receiver, alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    page = client.post(ADD, {"transport": "webhook", "address": "https://10.0.0.1/x", "name": "Mine"})
    text = page.content.decode()
    assert page.status_code == 400
    assert "This address is in a private network" in text
    assert 'value="https://10.0.0.1/x"' in text
    assert 'value="Mine"' in text
    assert not OwnAddress.objects.exists()


def test_a_refusal_is_in_the_readers_language(there: Receiver, alice: User, client_for: ClientFor) -> None:
    alice.language = "zh-hans"
    alice.save()
    page = client_for(alice).post(ADD, {"transport": "webhook", "address": "ftp://x"}).content.decode()
    with translation.override("zh-hans"):
        words = translation.gettext("This isn't a complete web address. It must start with https://.")
    assert words in page
    assert "This isn" not in page


def test_the_same_address_is_added_once_and_the_number_is_limited(
    there: Receiver, alice: User, client_for: ClientFor
) -> None:
    client = client_for(alice)
    for number in range(PER_PERSON):
        assert client.post(ADD, hook(there, f"/{number}")).status_code == 200
    assert "You have 10 addresses already" in client.post(ADD, hook(there, "/more")).content.decode()
    OwnAddress.objects.order_by("pk").last().delete()  # type: ignore[union-attr]
    assert "You have added this address already" in client.post(ADD, hook(there, "/0")).content.decode()
    assert OwnAddress.objects.count() == PER_PERSON - 1


def test_new_addresses_are_limited_by_the_hour(there: Receiver, alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    for _ in range(20):
        client.post(ADD, {"transport": "webhook", "address": "nonsense"})
    page = client.post(ADD, hook(there), follow=True)
    assert "Too many requests" in page.content.decode()
    assert not OwnAddress.objects.exists()


def test_charlie_cannot_use_test_renew_or_remove_alices_address(
    there: Receiver, alice: User, charlie: User, client_for: ClientFor
) -> None:
    row = add_address(alice, "webhook", f"{there.url}/hook", name="Workshop").row
    client = client_for(charlie)
    assert "Workshop" not in client.get(PREFERENCES).content.decode()
    for path in (TEST, RENEW):
        assert client.post(path, {"id": row.pk}).status_code == client.post(path, {"id": 987654}).status_code == 404
    client.post(REMOVE, {"id": row.pk})
    assert OwnAddress.objects.get() == row
    assert not Delivery.objects.exists()


def test_removing_an_address_ends_its_deliveries(
    there: Receiver, alice: User, bob: User, client_for: ClientFor, one_worker: Worker
) -> None:
    client = client_for(alice)
    row = add_address(alice, "webhook", f"{there.url}/hook").row
    send_one(alice, bob)
    client.post(REMOVE, {"id": row.pk})
    turn(one_worker)
    assert there.requests == []
    assert Delivery.objects.get().state == DeliveryState.FAILED


def test_reading_changes_nothing_and_a_reload_leads_back(there: Receiver, alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    for path in (ADD, TEST, RENEW, REMOVE):
        assert client.get(path)["Location"] == PREFERENCES


def test_a_post_without_the_csrf_token_changes_nothing(there: Receiver, alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(ADD, hook(there)).status_code == 403
    assert not OwnAddress.objects.exists()


def test_no_address_is_shown_to_admins(
    there: Receiver, alice: User, bob: User, admin_client: Any, one_worker: Worker
) -> None:
    add_address(alice, "webhook", f"{there.url}/secret-path", name="Workshop")
    send_one(alice, bob)
    turn(one_worker)
    delivery = Delivery.objects.get()
    for path in ("", f"{delivery.pk}/change/"):
        page = admin_client.get(f"/admin/notifications_hub/delivery/{path}").content.decode()
        assert "secret-path" not in page
        assert "Workshop" not in page
    assert "Planned: Webhook to 127.0.0.1" in page


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.django_db(transaction=True)
def test_several_requests_at_once_do_not_exceed_the_limit(there: Receiver, alice: User) -> None:
    for number in range(PER_PERSON - 1):
        add_address(alice, "webhook", f"{there.url}/{number}")

    def add(number: int) -> bool:
        try:
            add_address(alice, "webhook", f"{there.url}/more/{number}")
        except AddressRefused:
            return False
        return True

    assert sum(together([partial(add, number) for number in range(4)])) == 1
    assert OwnAddress.objects.count() == PER_PERSON


def test_no_error_report_has_an_address(
    alice: User, client_for: ClientFor, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(address: str, secrets: list[str]) -> str:
        raise RuntimeError("the cipher failed")

    def report(sender: object, request: HttpRequest, **kwargs: object) -> None:
        reporter = ExceptionReporter(request, *sys.exc_info())
        reports.extend([reporter.get_traceback_text(), reporter.get_traceback_html()])

    reports: list[str] = []
    monkeypatch.setattr(store, "sealed_destination", broken)
    client = client_for(alice)
    client.raise_request_exception = False
    got_request_exception.connect(report)
    try:
        assert client.post(ADD, hook(there, "/token-of-alice")).status_code == 500
    finally:
        got_request_exception.disconnect(report)
    assert len(reports) == 2
    assert [one.count("the cipher failed") > 0 for one in reports] == [True, True]
    assert [one.count("token-of-alice") for one in reports] == [0, 0]
