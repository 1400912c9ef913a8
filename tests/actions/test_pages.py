"""Actions on pages without a script, in emails and in pushes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.preparing import act_token
from notifications_hub.notification import Notification
from notifications_hub.transports.email.content import email_for
from notifications_hub.transports.email.recipients import Recipient
from notifications_hub.transports.web_push import payload
from tests.actions import support
from tests.actions.support import Request, ask, click, runs

if TYPE_CHECKING:
    from accounts.models import User

    ClientFor = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "PAUSE", 0)


def page(row: Any, action: str) -> str:
    return f"/notifications/{row.pk}/act/{action}/"


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_inbox_posts_an_action_and_links_to_one_that_asks(alice: User, bob: User, client_for: ClientFor) -> None:
    [row] = ask([alice], bob)
    inbox = text(client_for(alice).get("/notifications/"))

    assert f'form="nh-item-{row.pk}" formaction="{page(row, "approve")}"' in inbox
    assert f'href="{page(row, "decline")}?next=' in inbox
    done = client_for(alice).post(page(row, "approve"), {"next": "/notifications/?show=unread"}, follow=True)
    assert done.redirect_chain == [("/notifications/?show=unread", 302)]
    assert f"Approved by {alice}" in text(done)
    assert runs() == ["approved 0"]
    after = text(client_for(alice).get("/notifications/"))
    assert f"Approved by {alice}" in after
    assert "formaction" not in after.partition("Approved by")[2].partition("</li>")[0]


def test_a_get_runs_nothing_and_asks_first(alice: User, bob: User, client_for: ClientFor) -> None:
    [row] = ask([alice], bob)
    client = client_for(alice)

    assert "Why not?" in text(client.get(page(row, "decline")))
    assert "Approve" in text(client.get(page(row, "approve")))
    assert runs() == []
    without = client.post(page(row, "decline"), {"word": " "})
    assert (without.status_code, "Please answer: Why not?" in text(without)) == (422, True)
    long = client.post(page(row, "decline"), {"word": "x" * 501})
    assert "x" * 501 in text(long)
    elsewhere = client.post(page(row, "decline"), {"word": "Full.", "next": "https://evil.example/"})
    assert elsewhere["Location"] == "/notifications/"
    assert runs() == ["declined 0"]


def test_the_page_says_who_has_done_it_and_what_is_not_allowed(
    alice: User, bob: User, charlie: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ask([alice, charlie], bob)
    monkeypatch.setattr(Request, "allows", False)
    for method in ("get", "post"):
        refused = getattr(client_for(alice), method)(page(rows[0], "approve"))
        assert (refused.status_code, "not allowed" in text(refused)) == (403, True)
    monkeypatch.setattr(Request, "allows", True)
    click(client_for(alice), rows[0], "approve")
    seen = client_for(charlie).get(page(rows[1], "approve"))
    late = client_for(charlie).post(page(rows[1], "decline"), {"word": "No."})

    assert (seen.status_code, late.status_code) == (200, 409)
    for answer in (seen, late):
        assert f"Approved by {alice}" in text(answer)
        assert '<form class="nh-act-form" method="post">' not in text(answer)
    assert client_for(bob).get(page(rows[0], "approve")).status_code == 404
    assert client_for(alice).get(page(rows[0], "look")).status_code == 200
    assert "/accounts/login/" in Client().get(page(rows[0], "approve"))["Location"]


def test_a_failure_is_shown_with_the_form_to_try_again(
    alice: User, bob: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = ask([alice], bob)
    monkeypatch.setattr(Request, "mended", False)
    failed = client_for(alice).post(page(row, "break"))
    assert (failed.status_code, runs()) == (500, [])
    assert "Please try again." in text(failed)
    assert '<form class="nh-act-form" method="post">' in text(failed)


def test_an_email_links_to_the_page_that_confirms(alice: User, bob: User, charlie: User, client_for: ClientFor) -> None:
    rows = ask([alice, charlie], bob)
    to = Recipient(pk=alice.pk, address="alice@example.com")
    letter = email_for(rows[0].message(), to, optional=True)
    assert page(rows[0], "approve") in str(letter.body)
    assert page(rows[0], "decline") in str(letter.body)
    assert "/look/" in str(letter.body)

    click(client_for(charlie), rows[1], "approve")
    rows[0].__dict__.pop("_action_result")
    assert "/act/" not in str(email_for(rows[0].message(), to, optional=True).body)


def pushed(row: Any) -> dict[str, bool]:
    """Return the push's buttons, and whether each runs something without a page."""
    buttons = json.loads(payload.encode(row.message()))["notification"]["actions"]
    return {one["action"]: one.get("runs", False) for one in buttons}


def test_a_push_button_runs_only_for_the_person_who_is_signed_in(
    alice: User, bob: User, charlie: User, client_for: ClientFor
) -> None:
    [row] = ask([alice], bob)
    sent = Delivery.objects.create(notification=row, transport="memory", address="1", due_at=row.timestamp)
    report = {"token": act_token(sent), "action": "run", "name": "approve"}

    own = {"approve": True, "decline": False, "break": True, "refuse": False, "look": False}
    assert own.items() <= pushed(row).items()

    def post(client: Client, **given: str) -> Any:
        return client.post("/api/v1/push/act/", report | given, content_type="application/json")

    assert [post(client).status_code for client in (Client(), client_for(charlie))] == [401, 401]
    assert post(client_for(alice), name="decline").status_code == 422
    assert post(client_for(alice), token="stolen").status_code == 400
    Notification.objects.update(deleted=True)
    assert post(client_for(alice)).status_code == 404
    Notification.objects.update(deleted=False)
    assert runs() == []
    done = post(client_for(alice)).json()
    assert (done["unread"], done["result"]["text"]) == (0, f"Approved by {alice}")
    assert post(client_for(alice), name="decline").json()["result"] == done["result"]
    assert runs() == ["approved 0"]
