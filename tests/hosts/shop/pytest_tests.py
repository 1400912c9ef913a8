"""The shop's tests under pytest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient, Client
from pytest_django import Settings

from notifications_hub.testing import Captured

from .views import OutOfStock, buy

Cast = Sequence[Any]


def test_a_sale_is_notified(notified: Captured, cast: Cast, client: Client) -> None:
    alice, _bob, charlie = cast
    client.get("/buy/pears/")
    notified.assert_notified(alice, kind="shop.sold", title="bob bought pears", methods={"live", "flash"})
    notified.assert_not_notified(charlie)


@pytest.mark.django_db(transaction=True)
def test_of_two_sales_one_is_rolled_back(notified: Captured, cast: Cast) -> None:
    alice, _bob, charlie = cast
    buy("bob", "alice", "pears")
    with pytest.raises(OutOfStock):
        buy("bob", "charlie", "gold")
    notified.assert_notified(alice)
    notified.assert_not_notified(charlie)


def test_a_push_while_settings_change(notified: Captured, cast: Cast, settings: Settings) -> None:
    notified.register_browser(cast[0])
    settings.NOTIFICATIONS_HUB = {"ACK_WINDOW": 3}
    buy("bob", "alice", "pears")
    assert [push.title for push in notified.pushes] == ["bob bought pears"]


def test_no_key_is_left_of_the_push(notified: Captured, settings: Settings, client: Client) -> None:
    assert "VAPID_PRIVATE_KEY" not in getattr(settings, "NOTIFICATIONS_HUB", {})
    assert client.get("/api/v1/push/key/").status_code != 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
async def test_the_async_client(notified: Captured, cast: Cast, async_client: AsyncClient) -> None:
    await async_client.get("/buy-async/pears/")
    await notified.aassert_notified(cast[0], title="bob bought pears")
    await notified.aassert_not_notified(cast[2])
    assert len(await sync_to_async(lambda: notified.events)()) == 1


def test_1_a_page_polls(cast: Cast, client: Client) -> None:
    client.force_login(cast[0])
    assert client.get("/live/poll/?wait=0&visible=1").status_code == 200


def test_2_the_next_page_flashes(cast: Cast, client: Client) -> None:
    client.force_login(cast[0])
    buy("bob", "alice", "pears")
    assert len(client.get("/notifications/").context["messages"]) == 1
