"""Preferences that explain: groups, switches for many kinds, what is locked and why, and the defaults of a site."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from notifications_hub import kinds
from notifications_hub.delivery import preferences
from notifications_hub.delivery.digest_choices import digests_by_kind
from notifications_hub.delivery.models import Delivery, DeliveryState, Preference
from notifications_hub.delivery.reasons import ReasonCode
from notifications_hub.inbox.preference_table import MANY_KINDS
from notifications_hub.kinds import DeliveryMethod, Kind, get_kind
from notifications_hub.quiet_hours.schedules import schedule_of
from notifications_hub.transports.email.models import stop_emails_to
from notifications_hub.transports.email.unsubscribe_links import Subscription
from notifications_hub.transports.memory import Memory
from notifications_hub.transports.web_push import vapid
from tests.inbox.support import ClientFor, events_of, queries_of, send_one, shown_kinds
from tests.support.log import delivered_to

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="postgresql")]

PREFERENCES = "/notifications/preferences/"
API = "/api/v1/preferences/"
EMAIL = "notifications_hub.transports.email.transport.Email"


class Siren(Memory):
    optional = False
    on_by_default = True
    locked_because = "The fire brigade wants it."


SIREN = f"{Siren.__module__}.{Siren.__qualname__}"


def use(settings: Any, **given: Any) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **given}


@pytest.fixture(autouse=True)
def _emails(settings: Any) -> None:
    use(settings, SITE_URL="https://hub.example", TRANSPORTS={"email": EMAIL})


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    before = dict(kinds._kinds)
    declare("shop.sent", group="Orders", description="When we have posted it.")
    declare("shop.invoice", group="Orders", optional=False, locked_because="The law wants it.")
    declare("shop.hidden", in_preferences=False)
    yield
    kinds._kinds.clear()
    kinds._kinds.update(before)


def declare(name: str, **given: Any) -> Kind:
    methods = given.pop("methods", frozenset({DeliveryMethod.LIVE, DeliveryMethod.EMAIL}))
    type("Declared", (Kind,), {"name": name, "label": name.title(), "methods": methods, **given})
    return get_kind(name)


def patch(client: Client, **given: Any) -> Any:
    return client.patch(API, given, content_type="application/json")


def methods(person: User, kind: str) -> frozenset[str]:
    return preferences.methods_of([person.pk], get_kind(kind))[person.pk]


def reached_by_email(actor: User, person: User, kind: str) -> bool:
    row = send_one(person, actor, verb="rang", kind=kind)
    return Delivery.objects.filter(notification=row, transport="email").exists()


@pytest.fixture
def alice(alice: User) -> User:
    alice.email = "alice@example.com"
    alice.save()
    return alice


# What is shown


def test_kinds_stand_in_their_groups_with_words_and_the_hubs_internal_ones_are_hidden(
    alice: User, client_for: ClientFor
) -> None:
    shown = client_for(alice).get(API).json()
    assert [group["name"] for group in shown["groups"]] == ["Conversations", "Chat rooms", "Orders", ""]
    orders = shown["groups"][2]["kinds"]
    assert [one["name"] for one in orders] == ["shop.sent", "shop.invoice"]
    assert (orders[0]["label"], orders[0]["description"]) == ("Shop.Sent", "When we have posted it.")
    names = {one["name"] for group in shown["groups"] for one in group["kinds"]}
    assert names.isdisjoint({"shop.hidden", "push.test", "quiet.summary", "approval.announcement"})
    assert shown["groups"][3]["kinds"][-1]["name"] == "default"


def test_many_kinds_can_be_searched_also_without_groups(alice: User, client_for: ClientFor) -> None:
    for name in kinds._kinds.keys() - {"default", "announcement"}:
        del kinds._kinds[name]
    assert "Find a type" not in client_for(alice).get(PREFERENCES).content.decode()
    for number in range(MANY_KINDS):
        declare(f"shop.kind{number}")
    assert "Find a type" in client_for(alice).get(PREFERENCES).content.decode()


def test_what_cannot_be_switched_off_says_why(alice: User, client_for: ClientFor, settings: Any) -> None:
    use(settings, TRANSPORTS={"email": EMAIL, "siren": SIREN})
    client = client_for(alice)
    rows = {row.name: row for row in client.get(PREFERENCES).context["table"].rows}
    assert rows["shop.invoice"].locked_because == "The law wants it."
    assert {one.name: one.checked for one in rows["shop.invoice"].methods} == {
        **dict.fromkeys(["live", "email"], True),
        **dict.fromkeys(["flash", "web_push", "siren"], False),
    }
    assert all(one.locked for one in rows["shop.invoice"].methods)
    page = client.get(PREFERENCES).content.decode()
    assert "The law wants it." in page
    assert "The fire brigade wants it." in page
    [kind] = [one for group in client.get(API).json()["groups"] for one in group["kinds"] if one["name"] == "default"]
    why = {one["name"]: one["locked_because"] for one in kind["methods"]}
    assert (why["siren"], why["live"]) == ("The fire brigade wants it.", "")


def test_the_state_of_emails_and_of_pushes_is_explained(
    alice: User, bob: User, client_for: ClientFor, settings: Any
) -> None:
    use(settings, VAPID_PRIVATE_KEY=vapid.generate())
    client = client_for(alice)

    def column(name: str) -> dict[str, str]:
        found: list[dict[str, str]] = client.get(API).json()["methods"]
        return next(one for one in found if one["name"] == name)

    assert (column("email")["state"], column("email")["address"]) == ("ready", "alice@example.com")
    stop_emails_to("alice@example.com")
    assert (column("email")["state"], column("web_push")["state"]) == ("stopped", "no_browser")
    assert "We stopped sending emails to alice@example.com." in client.get(PREFERENCES).content.decode()
    row = send_one(alice, bob)
    failed = {"state": DeliveryState.FAILED, "settled_at": row.timestamp, "due_at": row.timestamp}
    Delivery.objects.create(
        notification=row, transport="web_push", address="7", reason=ReasonCode.BROWSER_GONE, **failed
    )
    assert "no longer accepts our notifications" in column("web_push")["problem"]
    assert "no longer accepts our notifications" in client.get(PREFERENCES).content.decode()
    alice.email = ""
    alice.save()
    assert column("email")["state"] == "no_address"


def test_the_page_asks_for_all_choices_at_once(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    client.get(PREFERENCES)
    few = queries_of(lambda: client.get(PREFERENCES))
    for number in range(40):
        declare(f"many.kind{number}", group=f"Group {number // 10}")
    patch(client, all={"email": False}, groups={"Group 3": {"live": False}})
    assert queries_of(lambda: client.get(PREFERENCES)) == few


# Switches for many kinds


def test_all_emails_off_also_holds_for_kinds_that_come_later(alice: User, bob: User, client_for: ClientFor) -> None:
    patch(client_for(alice), kinds={"shop.sent": {"methods": {"live": False}}})
    assert patch(client_for(alice), all={"email": False}).status_code == 200
    later = declare("later.news")
    assert methods(alice, "later.news") == {"live"}
    assert methods(alice, "shop.sent") == frozenset()
    assert methods(alice, "shop.invoice") == {"live", "email"}
    found = {kind: reached_by_email(bob, alice, kind) for kind in ("later.news", "shop.sent", "shop.hidden")}
    assert found == dict.fromkeys(found, False)
    assert reached_by_email(bob, alice, "shop.invoice")
    assert methods(bob, later.name) == {"live", "email"}


def test_a_kind_that_is_switched_on_afterwards_is_on(alice: User, bob: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    patch(client, all={"email": False})
    patch(client, kinds={"shop.sent": {"methods": {"email": True}}})
    assert reached_by_email(bob, alice, "shop.sent")
    assert not reached_by_email(bob, alice, "comment.reply")
    shown = client.get(API).json()
    assert {one["name"]: one["all"] for one in shown["methods"]}["email"] == "mixed"
    patch(client, all={"email": True})
    assert all(reached_by_email(bob, alice, kind) for kind in ("shop.sent", "comment.reply", "default"))
    assert not Preference.objects.filter(kind="*").exists()


def test_a_group_is_switched_and_what_is_locked_stays(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    shown = patch(client, groups={"Orders": {"email": False, "flash": True}}).json()
    assert shown["groups"][2]["methods"] == {"live": "on", "flash": "on", "web_push": "off", "email": "off"}
    assert methods(alice, "shop.sent") == {"live", "flash"}
    assert methods(alice, "shop.invoice") == {"live", "email"}
    assert "email" in methods(alice, "comment.reply")


def test_a_kind_wins_over_its_group_and_a_group_over_everything(alice: User, client_for: ClientFor) -> None:
    wanted = {"Orders": {"live": True}}
    patch(client_for(alice), all={"live": False}, groups=wanted, kinds={"comment.reply": {"methods": {"live": True}}})
    assert "live" in methods(alice, "shop.sent")
    assert "live" in methods(alice, "comment.reply")
    assert "live" not in methods(alice, "default")


def test_a_kind_follows_the_defaults_again(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    patch(client, kinds={"shop.sent": {"methods": {"email": False, "live": False}}})
    client.post(PREFERENCES, shown_kinds() | {"reset": "shop.sent", "shop.sent:flash": "on"})
    assert methods(alice, "shop.sent") == {"live", "email"}
    patch(client, kinds={"shop.sent": {"reset": True, "methods": {"live": False}}})
    assert methods(alice, "shop.sent") == {"email"}


def test_without_a_script_a_button_switches_many_after_what_is_checked(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    client.post(PREFERENCES, shown_kinds() | {"whole": "email:off", "default:flash": "on", "default:email": "on"})
    assert methods(alice, "default") == {"flash"}
    assert methods(alice, "shop.sent") == frozenset()
    client.post(PREFERENCES, shown_kinds() | {"whole": "live:on:Orders", "default:flash": "on"})
    assert methods(alice, "shop.sent") == {"live"}
    assert methods(alice, "default") == {"flash"}
    for button in ("pigeon", "pigeon:on", "live:on:Ordres"):
        client.post(PREFERENCES, shown_kinds() | {"whole": button})
    assert methods(alice, "default") == {"flash"}
    declare("later.news")
    assert methods(alice, "later.news") == {"live"}


def test_a_kind_that_the_form_did_not_show_keeps_its_state(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    form = client.get(PREFERENCES).content.decode()
    declare("later.news")
    shown = re.findall(r'name="shown" value="([^"]+)"', form)
    assert "shop.sent" in shown
    client.post(PREFERENCES, {"shown": shown, "default:flash": "on"})
    assert methods(alice, "later.news") == {"live", "email"}
    assert methods(alice, "shop.sent") == frozenset()
    client.post(PREFERENCES, {"shown": [*shown, "later.news", "gone.since"], "later.news:live": "on"})
    assert methods(alice, "later.news") == {"live"}


def test_how_often_emails_come_is_chosen_in_the_row_of_a_kind(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)

    def digest(kind: str) -> str:
        rows = {row.name: row for row in client.get(PREFERENCES).context["table"].rows}
        return str(rows[kind].digest)

    patch(client, kinds={"shop.sent": {"digest": "daily"}})
    assert digest("shop.sent") == "daily"
    assert preferences.CHANGED in [kind for kind, _data in delivered_to(alice)]
    chosen = {"digest:shop.sent": "weekly", "digest:default": "at_once", "shop.sent:email": "on"}
    client.post(PREFERENCES, shown_kinds() | chosen)
    assert (digest("shop.sent"), digest("default")) == ("weekly", "at_once")
    assert set(digests_by_kind(alice.pk)) == {"shop.sent"}
    patch(client, kinds={"shop.sent": {"reset": True}})
    assert digest("shop.sent") == "at_once"
    assert patch(client, kinds={"shop.hidden": {"digest": "daily"}}).status_code == 400


def test_a_first_digest_comes_by_the_browsers_zone(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    daily = {"shop.sent": {"digest": "daily"}}
    assert patch(client, kinds=daily, zone="Nowhere/City").status_code == 200
    assert schedule_of(alice) is None
    patch(client, kinds={"shop.sent": {"digest": "weekly"}}, zone="Asia/Tokyo")
    patch(client, kinds=daily, zone="Europe/Berlin")
    stored = schedule_of(alice)
    assert stored is not None
    assert stored.zone == "Asia/Tokyo"


# Errors and events


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"all": {"pigeon": True}}, "“email”, “flash”, “live”, “web_push”"),
        ({"groups": {"Order": {"live": True}}}, "Use one of these: “Orders”"),
        ({"kinds": {"shop.snet": {"methods": {}}}}, "Use one of these: “shop.sent”"),
        ({"kinds": {"shop.hidden": {"methods": {"live": False}}}}, "Preferences have no kind “shop.hidden”."),
        ({"kinds": {"shop.invoice": {"methods": {"email": False}}}}, "The law wants it."),
    ],
)
def test_an_impossible_change_names_the_remedy_and_stores_nothing(
    alice: User, client_for: ClientFor, given: dict[str, Any], words: str
) -> None:
    other = {"kinds": {"default": {"methods": {"live": False}}, **given.get("kinds", {})}}
    answer = patch(client_for(alice), **{**given, **other})
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert not Preference.objects.exists()


def test_a_change_tells_the_persons_open_pages_and_nobody_else(alice: User, bob: User, client_for: ClientFor) -> None:
    patch(client_for(alice), all={"email": False})
    patch(client_for(alice), all={"email": False})
    assert events_of(alice, preferences.CHANGED) == [{}]
    assert events_of(bob, preferences.CHANGED) == []


def test_the_schema_has_examples_that_the_routes_accept(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    schemas = client.get("/api/v1/openapi.json").json()["components"]["schemas"]
    assert patch(client, **schemas["PreferencesChange"]["examples"][0]).status_code == 200
    shown, example = client.get(API).json(), schemas["PreferencesShown"]["examples"][0]
    for part in ("methods", "groups"):
        assert shown[part][0].keys() == example[part][0].keys()
    assert shown["groups"][0]["kinds"][0].keys() == example["groups"][0]["kinds"][0].keys()
    assert json.dumps(example)


# Defaults of a site


def test_a_site_sets_the_defaults_of_kinds_that_others_declare(
    alice: User, bob: User, client_for: ClientFor, settings: Any
) -> None:
    use(settings, KIND_DEFAULTS={"comment.reply": ["flash"], "default": {"live", "email"}})
    assert methods(alice, "comment.reply") == {"flash"}
    row = send_one(alice, bob, kind="comment.reply")
    assert (row.toast, row.flash, Delivery.objects.exists()) == (False, True, False)
    assert reached_by_email(bob, alice, "default")
    patch(client_for(alice), kinds={"comment.reply": {"methods": {"email": True}}})
    assert methods(alice, "comment.reply") == {"flash", "email"}


# The links in emails


def test_stop_all_emails_covers_later_kinds_and_names_what_stays(alice: User, bob: User) -> None:
    path = Subscription(alice.pk).path
    page = Client().post(path).content.decode()
    declare("later.news")
    assert not reached_by_email(bob, alice, "later.news")
    assert "Shop.Invoice: The law wants it." in page
    assert "won't get notifications by email" in page
    Client().post(path, {"undo": page.split('name="undo" value="')[1].split('"')[0]})
    assert reached_by_email(bob, alice, "later.news")


def test_the_link_of_a_kind_that_is_locked_now_or_gone_says_so(alice: User, bob: User) -> None:
    declare("shop.news")
    path = Subscription(alice.pk, ("shop.news",)).path
    Client().post(path)
    assert not reached_by_email(bob, alice, "shop.news")
    del kinds._kinds["shop.news"]
    assert "doesn't send these notifications any more" in Client().post(path).content.decode()
    declare("shop.news", optional=False, locked_because="You owe us money.")
    for page in (Client().get(path), Client().post(path)):
        assert "can't turn off emails" in page.content.decode()
        assert "You owe us money." in page.content.decode()
    assert reached_by_email(bob, alice, "shop.news")
