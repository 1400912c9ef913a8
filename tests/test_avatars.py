"""The setting `AVATAR`: where a picture is shown, what it costs, and that a fault of the host costs the icon alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from notifications.signals import notify

from accounts.models import User
from notifications_hub import SystemActor, avatars
from notifications_hub.conf import hub_settings
from notifications_hub.delivery.worker import Worker
from notifications_hub.kinds import Privacy
from notifications_hub.message import Message
from notifications_hub.streams.models import Event
from notifications_hub.transports.web_push.payload import encode
from tests.support.deliveries import memory, one_worker, send_due, use_memory

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import Settings

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="postgresql")]
ADDRESSES = {"bob": "/media/bob.png", "charlie": "https://cdn.example/charlie.png"}


class Pictures:
    """A host's callable, which counts its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.found: Callable[[str], Any] = lambda name: ADDRESSES.get(name, "")
        self.prefetch: dict[str, list[str]] = {}

    def __call__(self, actor: Any) -> str:
        self.calls.append(actor.username)
        found: str = self.found(actor.username)
        return found


@pytest.fixture
def pictures(settings: Settings) -> Iterator[Pictures]:
    pictures = Pictures()
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "AVATAR": pictures}
    avatars.forget_logged_errors()
    yield pictures
    avatars.forget_logged_errors()


def listed(client: Client) -> list[Any]:
    return [item.get("avatar") for item in client.get("/api/v1/notifications/").json()["results"]]


def test_events_the_api_and_the_inbox_name_the_picture(
    pictures: Pictures, client_for: Callable[[User], Client], alice: User, bob: User, charlie: User
) -> None:
    notify.send(bob, recipient=[alice, charlie], verb="waved")
    assert pictures.calls == ["bob"], "once for all recipients"
    assert Event.objects.filter(topic=f"inbox.{alice.pk}").latest("pk").data["avatar"] == ADDRESSES["bob"]

    for actor in (bob, charlie, alice, SystemActor("Billing"), None):
        notify.send(actor, recipient=alice, verb="called")
    pictures.calls.clear()
    client = client_for(alice)
    assert listed(client) == [None, None, None, ADDRESSES["charlie"], ADDRESSES["bob"], ADDRESSES["bob"]]
    assert sorted(pictures.calls) == ["alice", "bob", "charlie"], "once for each actor of the page"
    assert client.get("/notifications/").content.decode().count(f'src="{ADDRESSES["bob"]}"') == 2


def test_a_page_reads_its_actors_in_one_query_and_without_the_setting_in_none(
    pictures: Pictures, settings: Settings, client_for: Callable[[User], Client], alice: User, bob: User
) -> None:
    for actor in (bob, alice) * 3:
        notify.send(actor, recipient=alice, verb="called")
    client = client_for(alice)

    def queries() -> list[str]:
        client.get("/api/v1/notifications/")
        with CaptureQueriesContext(connection) as captured:
            client.get("/api/v1/notifications/")
        return [query["sql"] for query in captured]

    with_setting = queries()
    pictures.prefetch = {"accounts.User": ["groups"]}
    with_relation = queries()
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "AVATAR": None}
    without = queries()

    assert len(with_setting) == len(without) + 1
    assert len(with_relation) == len(without) + 2


def test_a_fault_shows_the_icon_and_is_logged_once(
    pictures: Pictures,
    client_for: Callable[[User], Client],
    caplog: pytest.LogCaptureFixture,
    alice: User,
    bob: User,
) -> None:
    def fail(name: str) -> str:
        raise ConnectionError(name)

    pictures.found = fail
    caplog.set_level(logging.ERROR, logger="notifications_hub.avatars")
    notify.send(bob, recipient=alice, verb="waved")
    client = client_for(alice)
    assert listed(client) == listed(client) == [None]
    assert [record.message for record in caplog.records] == [
        "AVATAR failed, so the icon of the kind is shown. This is logged once"
    ]


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "http://example.com/a.png", "//evil.example/a", "data:image/png,x", 7, "/\\x"],
)
def test_an_address_that_is_neither_of_this_site_nor_https_is_refused(
    pictures: Pictures, client_for: Callable[[User], Client], alice: User, bob: User, address: object
) -> None:
    pictures.found = lambda name: address
    notify.send(bob, recipient=alice, verb="waved")
    assert listed(client_for(alice)) == [None]


def test_a_transport_gets_the_picture(
    pictures: Pictures, settings: Settings, alice: User, bob: User, one_worker: Worker
) -> None:
    use_memory(settings, ack_window=0)
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "AVATAR": pictures}
    send_due(bob, alice)
    one_worker.run_due()
    [(message, _address)] = memory().outbox
    assert message.avatar == ADDRESSES["bob"]


def test_a_push_has_the_picture_as_its_icon_unless_that_would_reveal_who() -> None:
    message = Message(id="1", kind="default", title="Bob waved", avatar="/media/bob.png")

    def pushed(**change: Any) -> dict[str, Any]:
        site = "https://site.example"
        given = Message(**{**vars(message), **change})
        shown: dict[str, Any] = json.loads(encode(given, site=site))["notification"]
        return shown

    assert pushed()["icon"] == "https://site.example/media/bob.png"
    assert "icon" not in pushed(avatar="")
    assert "icon" not in pushed(privacy=Privacy.NOTHING)


def test_a_value_that_is_no_callable_names_the_setting(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "AVATAR": 5}
    with pytest.raises(ImproperlyConfigured, match=r"\['AVATAR'\] must be a callable or its dotted path, not 5"):
        assert hub_settings.avatar
