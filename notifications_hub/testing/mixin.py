"""The mixin for Django's `TestCase`, `TransactionTestCase` and `LiveServerTestCase`."""

from __future__ import annotations

import sys
import unittest
from typing import Unpack

from django.contrib.auth.models import AbstractBaseUser

from notifications_hub.testing.captured import Captured
from notifications_hub.testing.captured_rows import CapturedNotification
from notifications_hub.testing.expectation import Expected, Unexpected
from notifications_hub.testing.isolation import end_background_work, forget_earlier_tests

# As in `captured.py`: a failure shows the line of the test, and no frame of the helpers.
__unittest = True


class NotificationsTestMixin(unittest.TestCase):
    """Capture what each test would deliver in `self.notified`, and assert it.

    class ReplyTests(NotificationsTestMixin, TestCase):
        def test_the_author_is_notified(self):
            reply(self.bob, to=self.post)
            self.assert_notified(self.alice, kind="comment.reply")
    """

    notified: Captured

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test. `setUp` belongs to it, and may be overridden without a call of this class."""
        forget_earlier_tests()
        try:
            self.notified = Captured()
        except Exception:
            # An error that leaves this method would end the run of all tests.
            if result is None:
                raise
            return self._fail(result)
        self.notified.start()
        try:
            return super().run(result)
        finally:
            self.notified.stop()
            end_background_work()

    def assert_notified(self, person: AbstractBaseUser, **expected: Unpack[Expected]) -> CapturedNotification:
        """Assert as `Captured.assert_notified` does."""
        return self.notified.assert_notified(person, **expected)

    def assert_not_notified(self, person: AbstractBaseUser | None = None, **unexpected: Unpack[Unexpected]) -> None:
        """Assert as `Captured.assert_not_notified` does."""
        self.notified.assert_not_notified(person, **unexpected)

    async def aassert_notified(self, person: AbstractBaseUser, **expected: Unpack[Expected]) -> CapturedNotification:
        """Assert as `assert_notified` does, from an async test."""
        return await self.notified.aassert_notified(person, **expected)

    async def aassert_not_notified(
        self, person: AbstractBaseUser | None = None, **unexpected: Unpack[Unexpected]
    ) -> None:
        """Assert as `assert_not_notified` does, from an async test."""
        await self.notified.aassert_not_notified(person, **unexpected)

    def _fail(self, result: unittest.TestResult) -> unittest.TestResult:
        result.startTest(self)
        result.addError(self, sys.exc_info())
        result.stopTest(self)
        return result
