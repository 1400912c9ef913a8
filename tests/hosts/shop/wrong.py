"""Tests with wrong assertions, whose messages are compared. No runner finds them by itself."""

from __future__ import annotations

from django.test import SimpleTestCase, TestCase

from notifications_hub.testing import NotificationsTestMixin

from .tests import people
from .views import OutOfStock, buy


class WrongTests(NotificationsTestMixin, TestCase):
    def setUp(self) -> None:
        self.alice, self.bob, self.charlie = people()

    def test_the_wrong_person(self) -> None:
        buy("bob", "alice", "pears")
        self.assert_notified(self.charlie, kind="shop.sold")

    def test_a_rolled_back_sale(self) -> None:
        with self.assertRaises(OutOfStock):
            buy("bob", "alice", "gold")
        self.assert_notified(self.alice, kind="shop.sold")

    def test_subtests(self) -> None:
        for what in ("pears", "plums"):
            with self.subTest(what=what):
                buy("bob", "alice", what)
                self.assert_not_notified(self.alice)


class NoDatabaseTests(NotificationsTestMixin, SimpleTestCase):
    def test_nothing(self) -> None:
        self.fail("It has no database, so it must not begin.")
