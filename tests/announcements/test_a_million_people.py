"""The form of an announcement to a million people. Run `make exhaustive` to load them and measure."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection

from accounts.models import User
from notifications_hub import audience_lists, broadcast
from notifications_hub.announcements.admin_pages.audience_page import search
from notifications_hub.announcements.reach import reach_of
from notifications_hub.transports.web_push.vapid import generate
from tests.announcements.support import ADD, ClientFor
from tests.support.full import FULL, report

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.both_databases, pytest.mark.faults, pytest.mark.django_db]

PEOPLE = 1_000_000 if FULL else 20_000
AT_MOST = 0.3

_SERIES = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PEOPLE}) "
_PEOPLE = (
    "INSERT INTO accounts_user (password, is_superuser, language, browser_language, time_zone, username, first_name,"
    " last_name, email, is_staff, is_active, date_joined) SELECT '', false, '', '', '', 'person' || i, '', '',"
    " 'person' || i || '@example.com', i % 100 = 0, i % 50 <> 0, CURRENT_TIMESTAMP FROM n"
)


def took(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


@pytest.fixture
def group(settings: Settings) -> Group:
    """A million people: half are in the group, a fifth have a browser with push, and some chose for themselves."""
    settings.NOTIFICATIONS_HUB = {"VAPID_PRIVATE_KEY": generate(), "VAPID_SUBJECT": "mailto:ops@hub.example"}
    group = Group.objects.create(name="Half")
    browser = (
        "INSERT INTO notifications_hub_pushsubscription (owner_id, endpoint, endpoint_hash, p256dh, auth,"
        " key_fingerprint, password_stamp, site, name, created, last_used, quarantine_reason, quarantine_parameters)"
        " SELECT id, '', CAST(id AS varchar(64)), '', '', '', '', '', '', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, '',"
        " '{}' FROM accounts_user WHERE id % 5 = 0"
    )
    preference = (
        "INSERT INTO notifications_hub_preference (person_id, kind, methods)"
        " SELECT id, 'announcement', '[\"flash\"]' FROM accounts_user WHERE id % 20 = 0"
    )
    member = (
        f"INSERT INTO accounts_user_groups (user_id, group_id) SELECT id, {group.pk} FROM accounts_user"
        " WHERE id % 2 = 0"
    )
    with connection.cursor() as sql:
        for statement in (_SERIES + _PEOPLE, browser, preference, member, "ANALYZE"):
            sql.execute(statement)
    return group


@pytest.mark.exhaustive
def test_the_form_for_a_million_people_is_quick(group: Group, client_for: ClientFor, admin: User) -> None:
    client = client_for(admin)
    client.get(ADD)  # imports and prepares what the first page of a process does
    for audience in ("everyone", "staff", f"group.{group.pk}"):
        for urgency in ("normal", "critical"):
            _count(audience, urgency)
    cache.clear()
    page, again = took(lambda: client.get(ADD)), took(lambda: client.get(ADD))
    report(f"the whole form {page * 1000:.0f} ms, from the cache {again * 1000:.0f} ms")
    for text in ("person123", "PERSON123", "nobody", "person12345@example.com"):
        _search(text)
    people = User.objects.filter(is_active=True)[: audience_lists.MOST]
    seconds = took(lambda: broadcast(title="For many", audience=people))
    report(f"announced to a list of {audience_lists.MOST:,} in {seconds * 1000:.0f} ms")
    assert seconds < 1.0


def _count(audience: str, urgency: str) -> None:
    def count() -> None:
        cache.clear()
        reach_of(audience, None, urgency)

    first = min(took(count) for _ in range(3))
    again = took(lambda: reach_of(audience, None, urgency))
    found = reach_of(audience, None, urgency)
    words = ", ".join(f"{one.method} {one.words}" for one in found.methods)
    report(f"{connection.vendor}, {audience}, {urgency}: {found.words}; {words}")
    report(f"    {first * 1000:.0f} ms, from the cache {again * 1000:.1f} ms")
    assert first < AT_MOST
    assert again < AT_MOST / 3


def _search(text: str) -> None:
    seconds = took(lambda: search(text))
    report(f"search for {text}: {seconds * 1000:.0f} ms, {len(search(text))} found")
    assert seconds < AT_MOST + 0.2
