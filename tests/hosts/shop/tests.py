"""The shop's tests under `manage.py test`."""

from __future__ import annotations

import urllib.request
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import LiveServerTestCase, TestCase, TransactionTestCase
from django.test.utils import CaptureQueriesContext
from notifications.signals import notify

from notifications_hub import broadcast
from notifications_hub.testing import Captured, NotificationsTestMixin

from .views import OutOfStock, buy


def people() -> list[Any]:
    return [get_user_model().objects.create_user(name) for name in ("alice", "bob", "charlie")]


class SaleTests(NotificationsTestMixin, TestCase):
    alice: Any
    bob: Any
    charlie: Any

    @classmethod
    def setUpTestData(cls) -> None:
        cls.alice, cls.bob, cls.charlie = people()
        buy("bob", "alice", "an early apple")

    def setUp(self) -> None:
        """Override it without a call of the mixin's."""

    def test_a_sale_is_notified(self) -> None:
        self.client.get("/buy/pears/")
        sale = self.assert_notified(self.alice, kind="shop.sold", title="bob bought pears", methods={"live", "flash"})
        self.assertEqual(sale.url, "/")
        self.assert_not_notified(self.charlie)
        self.notified.assert_published("shop", "sold", {"what": "pears"})

    def test_what_is_rolled_back_is_not_notified(self) -> None:
        self.assertEqual(self.client.get("/buy/gold/").status_code, 409)
        self.assert_not_notified()
        self.notified.assert_not_published("shop")

    def test_callbacks_of_the_commit_change_nothing(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            buy("bob", "alice", "pears")
        self.assert_notified(self.alice)

    def test_a_push(self) -> None:
        self.notified.register_browser(self.alice)
        buy("bob", "alice", "pears")
        self.assertEqual([push.title for push in self.notified.pushes], ["bob bought pears"])

    def test_a_push_needs_a_browser(self) -> None:
        buy("bob", "alice", "pears")
        self.assertEqual(self.notified.pushes, [])

    def test_an_announcement(self) -> None:
        broadcast(title="Sale")
        self.assert_notified(self.charlie, kind="announcement", title="Sale")

    async def test_the_async_client(self) -> None:
        await self.async_client.get("/buy-async/pears/")
        await self.aassert_notified(self.alice, title="bob bought pears")
        await self.aassert_not_notified(self.charlie)

    def test_it_adds_no_query(self) -> None:
        buy("bob", "alice", "pears")
        with CaptureQueriesContext(connection) as captured:
            buy("bob", "alice", "pears")
        self.notified.stop()
        with self.assertNumQueries(len(captured)):
            buy("bob", "alice", "pears")

    def test_subtests(self) -> None:
        for what in ("pears", "plums"):
            with self.subTest(what=what):
                self.notified.clear()
                buy("bob", "alice", what)
                self.assert_notified(self.alice, title=f"bob bought {what}")


class PresenceTests(NotificationsTestMixin, TestCase):
    def setUp(self) -> None:
        self.alice, self.bob, _charlie = people()
        self.client.force_login(self.alice)

    def test_1_a_page_polls(self) -> None:
        self.assertEqual(self.client.get("/live/poll/?wait=0&visible=1").status_code, 200)

    def test_2_the_next_page_flashes(self) -> None:
        buy("bob", "alice", "pears")
        messages = [str(one) for one in self.client.get("/notifications/").context["messages"]]
        self.assertEqual(len(messages), 1)


class CommittedTests(TransactionTestCase, NotificationsTestMixin):
    """The order of the bases does not matter."""

    def test_of_two_sales_one_is_rolled_back(self) -> None:
        alice, _bob, charlie = people()
        buy("bob", "alice", "pears")
        with self.assertRaises(OutOfStock):
            buy("bob", "charlie", "gold")
        self.assert_notified(alice)
        self.assert_not_notified(charlie)


class ServedTests(NotificationsTestMixin, LiveServerTestCase):
    def test_a_sale_in_the_thread_of_a_server(self) -> None:
        alice, _bob, charlie = people()
        with urllib.request.urlopen(f"{self.live_server_url}/buy/pears/") as answer:
            self.assertEqual(answer.read(), b"Sold.")
        self.assert_notified(alice, title="bob bought pears")
        self.assert_not_notified(charlie)


class OrderTests(NotificationsTestMixin, TestCase):
    """The mixin gives each test a capture of its own."""

    seen: list[Captured] = []

    def test_1_one(self) -> None:
        alice, bob, _charlie = people()
        notify.send(bob, recipient=alice, verb="waved")
        self.seen.append(self.notified)

    def test_2_two(self) -> None:
        self.assertNotIn(self.notified, self.seen)
        self.assert_not_notified()
