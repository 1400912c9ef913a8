"""People who may announce, and staff who may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Permission
from pytest_django import Settings

from accounts.models import User
from tests.announcements.support import ClientFor, Grant

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture
def staff(bob: User) -> Grant:
    """Make Bob a staff member with these permissions of the hub."""

    def staff(*codenames: str) -> User:
        User.objects.filter(pk=bob.pk).update(is_staff=True)
        rights = Permission.objects.filter(content_type__app_label="notifications_hub", codename__in=codenames)
        bob.user_permissions.set(rights)
        return User.objects.get(pk=bob.pk)

    return staff


@pytest.fixture
def writer(client_for: ClientFor, staff: Grant) -> Client:
    return client_for(staff("broadcast"))


@pytest.fixture
def second(client_for: ClientFor, alice: User) -> Client:
    """Return the client of Alice, who may announce too, and so approve what Bob writes."""
    right = Permission.objects.get(content_type__app_label="notifications_hub", codename="broadcast")
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    alice.user_permissions.add(right)
    return client_for(User.objects.get(pk=alice.pk))


@pytest.fixture
def above_one(settings: Settings) -> None:
    """Let a second person approve what goes to more than one person."""
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "ANNOUNCEMENT_APPROVAL_ABOVE": 1}
