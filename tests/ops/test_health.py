"""The views for monitoring: health and metrics, and their access rules."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.test import AsyncClient, Client

from notifications_hub.checks import check_settings
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.ops import metrics
from notifications_hub.streams import Event
from tests.inbox.support import queries_of, send_one

if TYPE_CHECKING:
    from pytest_django import Settings

    from accounts.models import User

pytestmark = pytest.mark.both_databases(short="sqlite")

ELSEWHERE = "192.0.2.7"
TOKEN = "scrape-a-token-of-some-length"


def test_a_live_process_answers_without_a_query(client: Client, db: None) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok")
    assert queries_of(lambda: client.get("/healthz")) == 0


@pytest.fixture
def measured(settings: Settings) -> str:
    """Turn the metrics on, and return the token that opens them."""
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "METRICS_TOKEN": TOKEN}
    return TOKEN


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.django_db(transaction=True)
def test_the_metrics_show_how_far_sending_is_behind(client: Client, alice: User, bob: User, measured: str) -> None:
    row = send_one(alice, bob)
    arming.arm([Plan(notification_pk=row.pk, transport="web_push", address=address) for address in ("1", "2")])
    Event.objects.create(topic="post.1", kind="x", created=datetime.now(UTC))
    response = client.get("/metrics", headers=bearer(measured))
    text = response.content.decode()

    assert response["Content-Type"].startswith("text/plain")
    assert "notifications_hub_events_unnumbered 1.0" in text
    assert 'notifications_hub_deliveries_waiting{transport="web_push"} 2.0' in text
    assert 'notifications_hub_deliveries_oldest_seconds{transport="web_push"}' in text
    assert 'notifications_hub_connections{kind="ws"}' in text
    assert "notifications_hub_database_up 1.0" in text


def test_the_metrics_of_deliveries_have_a_series_for_each_transport(alice: User, bob: User, settings: Settings) -> None:
    row = send_one(alice, bob)
    pager = {"pager": "notifications_hub.transports.memory.Memory"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": pager}
    arming.arm([Plan(notification_pk=row.pk, transport=name, address="1") for name in ("pager", "removed_since")])
    text = metrics.exposition(metrics.ask()).decode()
    series = dict(re.findall(r'^notifications_hub_deliveries_waiting\{transport="(\w+)"\} (\S+)$', text, re.MULTILINE))
    assert series == {"web_push": "0.0", "pager": "1.0", "removed_since": "1.0"}


@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-Proto": "https"}, bearer(""), bearer("anything")])
def test_metrics_are_off_without_a_token_or_an_allow_list(client: Client, admin: User, headers: dict[str, str]) -> None:
    assert client.get("/metrics", headers=headers, REMOTE_ADDR="127.0.0.1").status_code == 404
    client.force_login(admin)
    assert client.get("/metrics", headers=headers).status_code == 404


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(
    "sent", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é"]
)
def test_only_the_token_itself_opens_the_metrics(client: Client, db: None, measured: str, sent: str) -> None:
    refused = client.get("/metrics", headers={"Authorization": sent})

    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")
    assert client.get("/metrics", headers=bearer(measured), REMOTE_ADDR=ELSEWHERE).status_code == 200


def test_staff_may_read_the_metrics_from_anywhere(client: Client, admin: User, alice: User, measured: str) -> None:
    client.force_login(alice)
    assert client.get("/metrics", REMOTE_ADDR=ELSEWHERE).status_code == 401
    client.force_login(admin)
    assert client.get("/metrics", REMOTE_ADDR=ELSEWHERE).status_code == 200


def allow(settings: Settings, *networks: str) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "METRICS_ALLOW": networks}


@pytest.mark.parametrize(
    "header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via"]
)
def test_a_request_through_a_proxy_is_on_no_allow_list(
    client: Client, db: None, settings: Settings, header: str
) -> None:
    allow(settings, "127.0.0.1")

    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 401
    assert client.get("/metrics").status_code == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("::ffff:10.1.2.3", 200), ("10.2.0.1", 401), ("", 401), ("unix:", 401)],
)
def test_only_addresses_on_the_allow_list_need_no_token(
    client: Client, db: None, settings: Settings, address: str, status: int
) -> None:
    allow(settings, "127.0.0.1", "::1", "10.1.0.0/16")

    assert client.get("/metrics", REMOTE_ADDR=address).status_code == status


def test_an_invalid_allow_list_admits_no_address_and_is_a_check_error(
    client: Client, db: None, settings: Settings
) -> None:
    allow(settings, "127.0.0.1", "the office")

    assert client.get("/metrics").status_code == 401
    assert [message.id for message in check_settings(None)] == ["notifications_hub.E011"]


def test_a_plain_request_to_the_websocket_must_upgrade(client: Client, db: None) -> None:
    response = client.get("/live/ws/")

    assert (response.status_code, list(response.json())) == (426, ["detail"])
    assert "Upgrade" not in response.headers


@pytest.mark.django_db(transaction=True)
async def test_the_answer_over_asgi_names_the_websocket_protocol() -> None:
    response: Any = await AsyncClient().get("/live/ws/")

    assert (response.status_code, response["Upgrade"]) == (426, "websocket")
