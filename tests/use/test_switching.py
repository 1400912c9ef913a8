"""Changes of preferences and actions are tallied where they happen, and added up by day."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from notifications_hub import ActionRefused
from notifications_hub.actions.running import run_action
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.inbox.preference_changes import Wanted, save
from notifications_hub.kinds import get_kind
from notifications_hub.models import UseFold, UseSum, UseTally
from notifications_hub.transports import default_methods, locked_methods
from notifications_hub.transports.email.unsubscribe_links import Subscription
from notifications_hub.use import folding, tidying
from notifications_hub.use.models import What
from tests.actions.support import ask
from tests.transports.test_email import EMAIL, HUB

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

REPLY = "comment.reply"


@pytest.fixture(autouse=True)
def _emails(settings: Settings) -> None:
    by_email = {"web_push": None, "email": EMAIL}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **HUB, "TRANSPORTS": by_email}


def sums(what: What) -> dict[tuple[str, str, str], int]:
    """Return the sums by kind, method and detail, once everything is folded."""
    UseFold.objects.get_or_create(pk=1)
    while folding.fold_step():
        pass
    assert not UseTally.objects.exists()
    rows = UseSum.objects.filter(what=what)
    return {(one.kind, one.method, one.detail): one.number for one in rows}


def test_choices_count_until_they_are_taken_back(alice: User) -> None:
    defaults = default_methods(get_kind(REPLY)) - locked_methods(get_kind(REPLY))
    save(alice, Wanted(kinds={REPLY: {"email": False}}))
    save(alice, Wanted(kinds={REPLY: {"email": False, "live": True}}))
    assert sums(What.OFF) == {(REPLY, "email", "preferences"): 1}
    choose_methods(alice, REPLY, [])
    assert sums(What.OFF) == {
        (REPLY, "email", "preferences"): 1,
        (REPLY, "", "code"): 1,
        **{(REPLY, method, "code"): 1 for method in defaults - {"email"}},
    }
    save(alice, Wanted(reset=[REPLY]))
    assert sums(What.ON) == {(REPLY, method, "preferences"): 1 for method in {"", *defaults}}


def test_a_method_that_is_off_as_a_whole_counts_once(alice: User) -> None:
    save(alice, Wanted(everything={"email": False}))
    save(alice, Wanted(everything={"email": True}))
    assert sums(What.OFF) == {("*", "email", "preferences"): 1}
    assert ("*", "email", "preferences") in sums(What.ON)


def test_links_in_emails_count_as_what_they_are(alice: User) -> None:
    Client().post(Subscription(alice.pk, (REPLY,)).path, {"List-Unsubscribe": "One-Click"})
    # A second one changes nothing.
    Client().post(Subscription(alice.pk, (REPLY,)).path, {"List-Unsubscribe": "One-Click"})
    page = Client().post(Subscription(alice.pk, ("chat.mention",)).path)
    assert sums(What.OFF) == {(REPLY, "email", "one_click"): 1, ("chat.mention", "email", "link"): 1}
    Client().post(Subscription(alice.pk, ("chat.mention",)).path, {"undo": page.context["undo"]})
    assert sums(What.ON) == {("chat.mention", "email", "link"): 1}


def test_an_action_counts_when_it_has_run(alice: User, bob: User) -> None:
    for name in ("approve", "refuse", "approve"):
        row = ask([alice], bob)[0]
        with suppress(ActionRefused):
            run_action(row, name, alice)
    assert sums(What.ACTED) == {("tests.request", "", "approve"): 2}


def test_what_was_switched_long_ago_still_counts_as_off(alice: User) -> None:
    choose_methods(alice, REPLY, ["live"])
    count = sum(sums(What.OFF).values())
    tidying.tidy(datetime.now(UTC) + timedelta(days=800))
    kept = UseSum.objects.filter(what=What.OFF)
    assert sum(kept.values_list("number", flat=True)) == count > 0
    assert {one.day for one in kept} == {(timezone.now() + timedelta(days=800 - 731)).date()}
