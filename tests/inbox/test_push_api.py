from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.sessions.models import Session
from django.core import signing
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import reverse

from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.preparing import act_token
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.notification import Notification
from notifications_hub.transports.web_push import subscriptions, vapid
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from tests.inbox.support import API, ClientFor, events_of, post, send_one

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.both_databases(short="sqlite")

HOST = "127.0.0.1:9999"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def _push_service_on_this_machine(settings: Any) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "PUSH_EXTRA_HOSTS": [HOST]}


@pytest.fixture
def subscription() -> dict[str, Any]:
    """Return a subscription as a browser's `PushSubscription.toJSON()` does."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    return {
        "endpoint": f"http://{HOST}/send/alice",
        "expirationTime": None,
        "keys": {
            "p256dh": vapid.b64url(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)),
            "auth": vapid.b64url(b"sixteen bytes..."),
        },
    }


@pytest.fixture
def sent(alice: User, bob: User) -> Delivery:
    """Return a push that was sent to Alice, beside one that waits for her other browser."""
    row = send_one(alice, bob)
    for pk in (7, 8):
        PushSubscription.objects.create(
            pk=pk, owner=alice, endpoint_hash=str(pk), password_stamp=subscriptions.password_stamp(alice)
        )
    arming.arm([Plan(notification_pk=row.pk, transport="web_push", address=address) for address in ("7", "8")])
    Delivery.objects.filter(address="7").update(state=DeliveryState.SENT)
    return Delivery.objects.get(address="7")


def test_a_push_confirms_what_must_be(alice: User, sent: Delivery) -> None:
    token = act_token(sent)
    Notification.objects.filter(pk=sent.notification_id).update(must_acknowledge=True)
    assert act(token, "read").json() == {"unread": 0}
    assert Notification.objects.get(pk=sent.notification_id).acknowledged_at is None
    assert act(token, "acknowledge").json() == {"unread": 0}
    assert Notification.objects.get(pk=sent.notification_id).acknowledged_at


def act(token: object, action: str = "shown", client: Client | None = None) -> Any:
    return post(client or Client(enforce_csrf_checks=True), "push/act/", {"token": token, "action": action})


def test_the_key_is_the_public_one(alice: User, client_for: ClientFor, settings: Any) -> None:
    private = vapid.generate()
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PRIVATE_KEY": private}
    answer = client_for(alice).get(API + "push/key/")

    assert answer.json() == {"key": vapid.VapidKey(private).public}
    assert private not in answer.content.decode()


def test_without_a_key_the_response_is_a_404(alice: User, client_for: ClientFor, settings: Any) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PRIVATE_KEY": ""}
    answer = client_for(alice).get(API + "push/key/")

    assert (answer.status_code, answer.json()) == (
        404,
        {"detail": "This site isn't sending push notifications at the moment."},
    )


def test_a_browser_is_registered_listed_and_forgotten(
    alice: User, client_for: ClientFor, subscription: dict[str, Any]
) -> None:
    client = client_for(alice)
    made = post(client, "push/subscriptions/", subscription, User_Agent=FIREFOX)
    listed = client.get(API + "push/subscriptions/").json()["results"]

    assert made.status_code == 201
    assert made.json() == {**listed[0], "token": made.json()["token"]}
    assert set(listed[0]) == {"id", "name", "created", "last_used"}
    assert made.json()["name"] == "Firefox on Linux"
    forgotten = client.delete(f"{API}push/subscriptions/{made.json()['id']}/")
    assert (forgotten.status_code, forgotten.content) == (204, b"")
    assert client.get(API + "push/subscriptions/").json() == {"results": []}


@pytest.mark.parametrize("variant", ["HTTP://{}/send/alice", "http://{}//send/alice", "http://{}/x/../send/alice"])
def test_another_spelling_of_its_endpoint_is_the_same_browser(
    alice: User, client_for: ClientFor, subscription: dict[str, Any], variant: str
) -> None:
    client = client_for(alice)
    first = post(client, "push/subscriptions/", subscription).json()
    second = post(client, "push/subscriptions/", {**subscription, "endpoint": variant.format(HOST)}).json()

    assert first["id"] == second["id"]
    assert PushSubscription.objects.get().endpoint == subscription["endpoint"]


def test_the_same_browser_again_is_the_same_subscription(
    alice: User, client_for: ClientFor, subscription: dict[str, Any]
) -> None:
    client = client_for(alice)
    first = post(client, "push/subscriptions/", subscription).json()
    second = post(client, "push/subscriptions/", {**subscription, "unknown": 1}).json()

    assert first["id"] == second["id"]


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "https://evil.example/send"},
        {"endpoint": "http://169.254.169.254/latest"},
        {"endpoint": ""},
        {"endpoint": None},
        {"keys": None},
        {"keys": {}},
        {"keys": {"p256dh": "SECRETSECRET", "auth": "SECRETSECRET"}},
        {"keys": {"p256dh": 1, "auth": []}},
    ],
)
def test_an_invalid_subscription_is_rejected_without_repeating_it(
    alice: User, client_for: ClientFor, subscription: dict[str, Any], change: dict[str, Any]
) -> None:
    answer = post(client_for(alice), "push/subscriptions/", {**subscription, **change})

    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)
    assert "SECRET" not in answer.content.decode()
    assert "/send" not in answer.content.decode()
    assert not PushSubscription.objects.exists()


def test_charlie_neither_sees_nor_forgets_alices_browser(
    alice: User, charlie: User, client_for: ClientFor, subscription: dict[str, Any]
) -> None:
    made = post(client_for(alice), "push/subscriptions/", subscription).json()
    client = client_for(charlie)

    assert client.get(API + "push/subscriptions/").json() == {"results": []}
    assert client.delete(f"{API}push/subscriptions/{made['id']}/").status_code == 404
    assert PushSubscription.objects.filter(owner=alice).exists()


def test_signing_out_forgets_this_browser_and_no_other(
    alice: User, client_for: ClientFor, subscription: dict[str, Any]
) -> None:
    here, elsewhere = client_for(alice), client_for(alice)
    post(here, "push/subscriptions/", subscription)
    other = post(elsewhere, "push/subscriptions/", {**subscription, "endpoint": f"http://{HOST}/send/phone"}).json()
    here.post("/accounts/logout/")

    assert list(PushSubscription.objects.values_list("pk", flat=True)) == [int(other["id"])]


def test_an_expired_session_keeps_its_browser_registered(
    alice: User, client_for: ClientFor, subscription: dict[str, Any]
) -> None:
    client = client_for(alice)
    post(client, "push/subscriptions/", subscription)
    Session.objects.update(expire_date=datetime.now(UTC))
    assert client.get("/notifications/").status_code == 302
    call_command("clearsessions")

    assert PushSubscription.objects.get().owner == alice


def test_signing_out_keeps_a_browser_that_belongs_to_someone_else_now(
    alice: User, bob: User, client_for: ClientFor, subscription: dict[str, Any]
) -> None:
    hers, his = client_for(alice), client_for(bob)
    post(hers, "push/subscriptions/", subscription)
    post(his, "push/subscriptions/", subscription)
    hers.post("/accounts/logout/")

    assert PushSubscription.objects.get().owner == bob


def test_registering_stores_the_site_for_absolute_links(
    alice: User, client_for: ClientFor, subscription: dict[str, Any]
) -> None:
    post(client_for(alice), "push/subscriptions/", subscription)

    assert PushSubscription.objects.get().site == "http://testserver/"


def renewed(client: Client, token: str, subscription: dict[str, Any], path: str = "new") -> Any:
    fresh = {**subscription, "endpoint": f"http://{HOST}/send/{path}"}
    return post(client, "push/renew/", {"token": token, "subscription": fresh})


def test_a_worker_renews_a_subscription_without_a_session(
    alice: User, client_for: ClientFor, subscription: dict[str, Any]
) -> None:
    made = post(client_for(alice), "push/subscriptions/", subscription).json()
    answer = renewed(Client(enforce_csrf_checks=True), made["token"], subscription)

    assert (answer.status_code, answer.json()["id"]) == (200, made["id"])
    row = PushSubscription.objects.get()
    assert (row.owner, row.endpoint) == (alice, f"http://{HOST}/send/new")


def test_a_token_renews_once_and_gives_the_next(
    alice: User, client_for: ClientFor, subscription: dict[str, Any]
) -> None:
    first = post(client_for(alice), "push/subscriptions/", subscription).json()["token"]
    second = renewed(Client(), first, subscription).json()["token"]

    assert renewed(Client(), first, subscription, "again").status_code == 400
    assert renewed(Client(), second, subscription, "again").status_code == 200


def test_a_renewal_takes_no_browser_from_its_owner(
    alice: User, bob: User, client_for: ClientFor, subscription: dict[str, Any]
) -> None:
    token = post(client_for(alice), "push/subscriptions/", subscription).json()["token"]
    post(client_for(bob), "push/subscriptions/", {**subscription, "endpoint": f"http://{HOST}/send/bob"})

    assert renewed(Client(), token, subscription, "bob").status_code == 400
    assert PushSubscription.objects.filter(owner=bob).exists()


def test_a_registration_before_the_service_worker_stays_single(
    alice: User, client_for: ClientFor, subscription: dict[str, Any]
) -> None:
    client = client_for(alice)
    token = post(client, "push/subscriptions/", subscription).json()["token"]
    made = post(client, "push/subscriptions/", {**subscription, "endpoint": f"http://{HOST}/send/new"}).json()

    assert renewed(Client(), token, subscription).json()["id"] == made["id"]
    assert PushSubscription.objects.count() == 1


@pytest.mark.parametrize(
    "change", [{"endpoint": "http://169.254.169.254/latest"}, {"keys": {"p256dh": "x", "auth": "x"}}]
)
def test_a_renewal_is_checked_like_a_registration(
    alice: User, client_for: ClientFor, subscription: dict[str, Any], change: dict[str, Any]
) -> None:
    token = post(client_for(alice), "push/subscriptions/", subscription).json()["token"]

    assert (
        post(Client(), "push/renew/", {"token": token, "subscription": {**subscription, **change}}).status_code == 400
    )


@pytest.mark.parametrize(
    "token", ["", "x", signing.dumps([1, "x"]), signing.dumps([1, "x"], salt="notifications_hub.renew")]
)
def test_a_renewal_needs_a_token(db: None, subscription: dict[str, Any], token: str) -> None:
    assert renewed(Client(), token, subscription).status_code == 400


@pytest.mark.parametrize("action", ["shown", "clicked"])
def test_a_push_that_was_shown_or_clicked_counts_as_delivered(alice: User, sent: Delivery, action: str) -> None:
    answer = act(act_token(sent), action)
    row = Notification.objects.get()

    assert (answer.status_code, answer.json()) == (200, {"unread": 1})
    assert (row.delivered_by, row.unread) == (DeliveryMethod.WEB_PUSH, True)
    assert events_of(alice, "notification.delivered") == [{"ids": [row.item_id]}]
    assert Delivery.objects.get(address="8").state == DeliveryState.CANCELLED


def test_a_push_may_be_read_by_its_button(alice: User, sent: Delivery) -> None:
    assert act(act_token(sent), "read").json() == {"unread": 0}

    row = Notification.objects.get()
    assert (row.delivered_by, row.unread) == (DeliveryMethod.WEB_PUSH, False)
    assert events_of(alice, "notification.read") == [{"ids": [row.item_id]}]


def test_a_repeated_report_publishes_nothing_again(alice: User, sent: Delivery) -> None:
    for action in ("shown", "clicked", "shown", "read", "read"):
        assert act(act_token(sent), action).status_code == 200

    assert len(events_of(alice, "notification.delivered")) == 1
    assert len(events_of(alice, "notification.read")) == 1


def test_a_report_about_a_deleted_notification_changes_nothing(alice: User, sent: Delivery) -> None:
    token = act_token(sent)
    Notification.objects.all().delete()

    assert act(token, "read").json() == {"unread": None}
    assert events_of(alice, "notification.delivered") == []


def test_a_token_ends_with_the_session_that_its_browser_was_registered_in(
    alice: User, bob: User, client_for: ClientFor, subscription: dict[str, Any]
) -> None:
    client = client_for(alice)
    browser = post(client, "push/subscriptions/", subscription).json()["id"]
    row = send_one(alice, bob)
    arming.arm([Plan(notification_pk=row.pk, transport="web_push", address=browser)])
    token = act_token(Delivery.objects.get())
    assert act(token).json() == {"unread": 1}
    client.post("/accounts/logout/")

    answer = act(token, "read")
    assert (answer.status_code, set(answer.json())) == (400, {"detail"})
    row.refresh_from_db()
    assert row.unread


def test_a_token_ends_with_the_password(alice: User, sent: Delivery) -> None:
    alice.set_password("another")
    alice.save()

    assert act(act_token(sent)).status_code == 400


def test_a_token_is_void_for_the_browsers_next_owner(alice: User, bob: User, sent: Delivery) -> None:
    PushSubscription.objects.filter(pk=7).update(owner=bob)

    assert act(act_token(sent)).status_code == 400


def test_a_token_covers_one_notification(alice: User, bob: User, sent: Delivery) -> None:
    other = send_one(alice, bob)
    act(act_token(sent), "read")
    other.refresh_from_db()

    assert (other.delivered_at, other.unread) == (None, True)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "x" * 501,
        7,
        None,
        signing.dumps([1, 1], salt="another purpose"),
        signing.dumps("x", salt="notifications_hub.act"),
        signing.dumps([1], salt="notifications_hub.act"),
        signing.dumps([1, "x"], salt="notifications_hub.act"),
        "\udcff",
    ],
)
def test_an_invalid_token_is_rejected(db: None, token: object) -> None:
    answer = act(token)

    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


def test_a_token_of_another_site_is_refused(sent: Delivery) -> None:
    with override_settings(SECRET_KEY="another"):
        token = act_token(sent)

    assert act(token).status_code == 400


@pytest.mark.parametrize("salt", ["django.core.signing", subscriptions.RENEW_SALT])
def test_a_token_that_was_signed_for_another_purpose_is_refused(sent: Delivery, salt: str) -> None:
    assert act(signing.dumps([sent.pk, sent.notification_id], salt=salt)).status_code == 400


def test_a_token_that_was_altered_is_refused(sent: Delivery) -> None:
    token = act_token(sent)

    assert act(token[:-1] + ("A" if token[-1] != "A" else "B")).status_code == 400


def test_a_token_does_not_last_for_ever(sent: Delivery) -> None:
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as clock:
        token = act_token(sent)
        clock.shift(29 * 86_400)
        assert act(token).status_code == 200
        clock.shift(2 * 86_400)
        assert act(token).status_code == 400


@pytest.mark.parametrize("action", ["archive", "", "shown ", "delete"])
def test_a_token_does_nothing_else(sent: Delivery, action: str) -> None:
    assert act(act_token(sent), action).status_code == 400


def test_the_session_gives_a_report_no_more_rights(alice: User, client_for: ClientFor) -> None:
    assert act("x", client=client_for(alice)).status_code == 400


def test_the_report_url_belongs_to_the_api(db: None) -> None:
    assert reverse("notifications_hub_api:push_act") == API + "push/act/"
