"""Charlie may see nothing.

Alice's objects answer him like missing ones: the same status, the same text and the same number of queries.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications_hub import broadcast
from notifications_hub.announcements.announce import withdraw
from notifications_hub.inbox.marks import Mark
from notifications_hub.inbox.places import PageMark
from notifications_hub.inbox.queries import items
from notifications_hub.notification import Notification
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from tests.inbox.support import API, NEVER, ClientFor, answer_of, post, send_one

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.both_databases(short="sqlite")

Ask = Callable[[Client, str], Any]


def ask_api(action: str, client: Client, item: str) -> Any:
    return post(client, f"notifications/{action}/", {"ids": [item]})


def ask_page(action: str, client: Client, item: str) -> Any:
    return client.post(reverse("notifications_hub:mark"), {"action": action, "ids": item})


BY_ID: dict[str, Ask] = {
    **{f"api {action}": partial(ask_api, action) for action in ("read", "unread", "seen", "archive")},
    **{f"page {action}": partial(ask_page, action.value) for action in Mark},
}
BY_BROWSER: dict[str, Ask] = {
    "api": lambda client, pk: client.delete(f"{API}push/subscriptions/{pk}/"),
    "page": lambda client, pk: client.post(reverse("notifications_hub:forget-device"), {"id": pk}),
}


@pytest.fixture
def alices(alice: User, bob: User, admin: User) -> dict[str, str]:
    """Return ids of items that exist but are not Charlie's."""
    archived = send_one(alice, bob)
    Notification.objects.filter(pk=archived.pk).archive()
    taken_back = broadcast(title="Taken back")
    withdraw(taken_back)
    later = broadcast(title="Later", starts_at=timezone.now() + timedelta(days=1))
    return {
        "a notification": send_one(alice, bob).item_id,
        "an archived one": archived.item_id,
        "an announcement for others": broadcast(title="Staff only", audience="staff").item_id,
        "an announcement taken back": taken_back.item_id,
        "an announcement to come": later.item_id,
    }


def test_alices_id_is_treated_like_a_missing_one(charlie: User, client_for: ClientFor, alices: dict[str, str]) -> None:
    """Ask in every way for the same items, because none may change them, and to make them takes longer."""
    client = client_for(charlie)
    for way, ask in BY_ID.items():
        ask(client, NEVER)
        never = {"": answer_of(partial(ask, client, NEVER)), "a": answer_of(partial(ask, client, f"a{NEVER}"))}
        found = {name: answer_of(partial(ask, client, item)) for name, item in alices.items()}

        assert found == {name: never["a" if "announcement" in name else ""] for name in alices}, way


@pytest.mark.parametrize("ask", BY_BROWSER.values(), ids=BY_BROWSER)
def test_alices_browser_is_treated_like_a_missing_one(
    alice: User, charlie: User, client_for: ClientFor, ask: Ask
) -> None:
    browser = PushSubscription.objects.create(owner=alice, endpoint="https://push.example/x", endpoint_hash="x")
    client = client_for(charlie)
    ask(client, NEVER)

    assert answer_of(lambda: ask(client, str(browser.pk))) == answer_of(lambda: ask(client, NEVER))
    assert PushSubscription.objects.filter(pk=browser.pk).exists()


@pytest.mark.parametrize("path", [API + "notifications/", "/notifications/"])
def test_alices_page_mark_reveals_nothing(
    alice: User, bob: User, charlie: User, client_for: ClientFor, path: str
) -> None:
    for _ in range(3):
        send_one(alice, bob)
    page_mark = items(alice, limit=2).next or ""
    other = str(PageMark(timezone.now(), int(NEVER)))
    client = client_for(charlie)
    client.get(path, {"before": other})
    alices, never = (answer_of(partial(client.get, path, {"before": before})) for before in (page_mark, other))

    assert (alices.status, alices.queries) == (never.status, never.queries) == (200, never.queries)
    assert _without_tokens(alices.text.replace(page_mark, "")) == _without_tokens(never.text.replace(other, ""))


PATHS = [
    API + "notifications/",
    API + "notifications/?unread=true",
    API + "notifications/?kind=comment.reply",
    API + "notifications/count/",
    API + "push/subscriptions/",
    API + "push/key/",
    "/notifications/",
    "/notifications/?show=unread",
    "/notifications/?show=archived",
    "/notifications/preferences/",
]


def test_charlie_sees_the_same_with_and_without_alice(
    alice: User, bob: User, charlie: User, client_for: ClientFor
) -> None:
    client = client_for(charlie)
    for path in PATHS:
        client.get(path)
    before = {path: answer_of(partial(client.get, path)) for path in PATHS}
    send_one(alice, bob, kind="comment.reply")
    broadcast(title="Staff only", audience="staff")
    PushSubscription.objects.create(owner=alice, endpoint="https://push.example/x", endpoint_hash="x")
    for path, earlier in before.items():
        later = answer_of(partial(client.get, path))
        assert (later.status, later.queries) == (earlier.status, earlier.queries), path
        assert _without_tokens(later.text) == _without_tokens(earlier.text), path


def _without_tokens(page: str) -> str:
    """Remove the CSRF tokens and the nonces, which differ on each page."""
    return re.sub(r"[A-Za-z0-9]{64}|nonce=\"[^\"]+\"", "", page)
