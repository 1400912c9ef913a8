"""The page of kinds: who sees it, what it shows of a kind, and that a faulty kind costs only itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.functional import lazy
from django.utils.translation import get_language, gettext
from pytest_django import Settings

from notifications_hub import kinds
from notifications_hub.catalogue.entries import Entry, InLanguage, Shown
from notifications_hub.catalogue.languages import shown_languages
from notifications_hub.kinds import DeliveryMethod, Kind, NotificationLike, Privacy, Sample, Urgency
from notifications_hub.notification import Notification

if TYPE_CHECKING:
    from accounts.models import User

ClientFor = Callable[["User"], Client]

PAGE = "/notifications/kinds/"


@pytest.fixture(autouse=True)
def _only_kinds_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    known = ("announcement", "chat.invitation", "comment.reply", "default", "push.test")
    monkeypatch.setattr(kinds, "_kinds", {name: kinds.get_kind(name) for name in known})


def entries(client: Client, **query: str) -> dict[str, Entry]:
    response = client.get(PAGE, query)
    assert response.status_code == 200
    return {entry.name: entry for entry in response.context["entries"]}


def in_english(entry: Entry) -> InLanguage:
    [english] = [one for one in entry.languages if one.language == "en"]
    return english


def shown(entry: Entry) -> Shown:
    sample = in_english(entry).shown
    assert sample is not None
    return sample


# Who sees it


def test_staff_see_every_kind(admin: User, client_for: ClientFor) -> None:
    response = client_for(admin).get(PAGE)

    assert [entry.name for entry in response.context["entries"]] == sorted(kinds._kinds)
    assert "no-store" in response.headers["Cache-Control"]


def test_a_person_who_is_not_staff_is_refused(alice: User, client_for: ClientFor) -> None:
    assert client_for(alice).get(PAGE).status_code == 403


@pytest.mark.django_db
def test_a_visitor_is_asked_to_sign_in(client: Client) -> None:
    response = client.get(PAGE)

    assert response.status_code == 302
    assert response.headers["Location"].endswith("?next=/notifications/kinds/")


def test_a_deactivated_person_of_staff_is_asked_to_sign_in(admin: User, client_for: ClientFor) -> None:
    client = client_for(admin)
    type(admin).objects.filter(pk=admin.pk).update(is_active=False)

    assert client.get(PAGE).status_code == 302


def test_a_deactivated_person_of_staff_is_refused_by_a_backend_that_signs_them_in(
    admin: User, client: Client, settings: Settings
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
    type(admin).objects.filter(pk=admin.pk).update(is_active=False)
    client.force_login(admin)

    assert client.get(PAGE).status_code == 403


def test_a_developer_needs_no_account(db: None, client: Client, settings: Settings) -> None:
    settings.DEBUG = True

    assert client.get(PAGE).status_code == 200


def test_a_developer_needs_no_right(alice: User, client_for: ClientFor, settings: Settings) -> None:
    settings.DEBUG = True

    assert client_for(alice).get(PAGE).status_code == 200


def test_the_page_takes_no_forms(admin: User, client_for: ClientFor) -> None:
    assert client_for(admin).post(PAGE).status_code == 405


def test_the_hubs_index_in_the_admin_links_to_it(admin: User, client_for: ClientFor) -> None:
    assert f'href="{PAGE}"' in client_for(admin).get("/admin/notifications_hub/").content.decode()


# What it shows


def test_a_sample_is_shown_by_what_each_delivery_method_is_given(admin: User, client_for: ClientFor) -> None:
    sample = shown(entries(client_for(admin))["comment.reply"])
    item = json.loads(sample.item)

    assert item["title"] == sample.card.title == "Bob replied to “Moving plants”"
    assert [str(flash) for flash in sample.flashes] == ['<a href="/">Bob replied to “Moving plants”</a>']
    assert sample.push["title"] == item["title"]
    assert [action["title"] for action in sample.push["actions"]] == ["Mark as read", "Preferences", "Open"]
    assert dict(sample.fields)["body"] == item["body"] == "Water them first."


def test_each_language_has_the_words_of_its_own_readers(admin: User, client_for: ClientFor) -> None:
    english, chinese = entries(client_for(admin))["comment.reply"].languages

    assert (english.language, chinese.language, chinese.name) == ("en", "zh-hans", "简体中文")
    assert chinese.shown is not None
    assert json.loads(chinese.shown.item)["title"] == "Bob回复了“移栽植物”"
    assert [action["title"] for action in chinese.shown.push["actions"]] == ["标为已读", "通知偏好", "打开"]


def test_controls_around_a_sample_are_in_its_language_too(admin: User, client_for: ClientFor) -> None:
    text = client_for(admin).get(PAGE, {"kind": "comment.reply", "language": "zh-hans"}).content.decode()

    assert 'aria-label="标为已读：Bob回复了“移栽植物”"' in text
    assert "Kinds of notifications" in text


def test_a_push_shows_what_the_kinds_privacy_leaves(admin: User, client_for: ClientFor) -> None:
    class Salary(Kind):
        name = "tests.salary"
        privacy = Privacy.NOTHING
        sample = Sample(actor="Bob", verb="raised", description="A thousand more")

    sample = shown(entries(client_for(admin))["tests.salary"])

    assert (sample.push["title"], sample.push["body"]) == ("You have a new notification", "")
    assert json.loads(sample.item)["body"] == "A thousand more"


def test_an_announcement_is_shown_as_markdown_on_the_inbox_page(admin: User, client_for: ClientFor) -> None:
    sample = shown(entries(client_for(admin))["announcement"])

    assert sample.card.title == "Maintenance on Sunday"
    assert sample.card.body_html == "<p>We'll be back at noon.</p>\n"


def test_the_options_of_a_kind_are_listed(admin: User, client_for: ClientFor) -> None:
    class Careful(Kind):
        name = "tests.careful"
        label = "Careful"
        methods = frozenset({DeliveryMethod.WEB_PUSH})
        privacy = Privacy.TITLE
        urgency = Urgency.HIGH
        ttl = 60
        per_minute = 5
        optional = False
        sample = Sample()

    entry = entries(client_for(admin))["tests.careful"]

    assert (entry.label, entry.declared_in) == ("Careful", f"{__name__}.{Careful.__qualname__}")
    assert dict(entry.options) == {
        "Always on": "Web Push",
        "In preferences": "yes, locked",
        "On a locked screen": "title",
        "Urgency of pushes": "high",
        "Pushes are kept for": "60 seconds",
        "Most from one person": "5 a minute",
        "Icon": "bell",
    }


def test_one_kind_language_and_scheme_can_be_chosen(admin: User, client_for: ClientFor) -> None:
    response = client_for(admin).get(PAGE, {"kind": "push.test", "language": "zh-hans", "scheme": "dark"})
    [entry] = response.context["entries"]
    current = {choice.query for name in ("kind", "language", "scheme") for choice in current_of(response, name)}

    assert [one.language for one in entry.languages] == ["zh-hans"]
    assert response.context["schemes"] == ["dark"]
    assert current == {"?kind=push.test&language=zh-hans&scheme=dark"}


def current_of(response: Any, switch: str) -> list[Any]:
    return [choice for choice in response.context[f"{switch}_choices"] if choice.is_current]


def test_a_choice_that_does_not_exist_is_ignored_but_a_kind_is_not_found(admin: User, client_for: ClientFor) -> None:
    client = client_for(admin)

    assert client.get(PAGE, {"language": "tlh", "scheme": "pink"}).context["schemes"] == ["light", "dark"]
    assert client.get(PAGE, {"kind": "no.such"}).status_code == 404


def test_a_site_of_one_language_has_no_switch(admin: User, client_for: ClientFor, settings: Settings) -> None:
    settings.LANGUAGES = [("en", "English")]

    assert client_for(admin).get(PAGE).context["language_choices"] == []


def test_the_languages_are_those_with_a_catalogue(admin: User, client_for: ClientFor, settings: Settings) -> None:
    settings.LANGUAGES = [("af", "Afrikaans"), ("en", "English"), ("zh-hans", "Chinese"), ("zh-hant", "Chinese")]

    assert client_for(admin).get(PAGE).context["languages"] == ["en", "zh-hans"]


@pytest.mark.parametrize(
    ("own", "offered", "shown"),
    [
        ("en-us", ["de", "en", "zh-hans"], ["en", "zh-hans"]),
        ("en-gb", ["en", "en-gb", "zh-hans"], ["en-gb", "zh-hans"]),
        ("de", ["de", "en"], ["de", "en"]),
        ("de", ["en"], ["de", "en"]),
        ("de", [], ["de"]),
    ],
)
def test_the_sites_own_language_is_always_among_them(
    own: str, offered: list[str], shown: list[str], settings: Settings
) -> None:
    settings.LANGUAGE_CODE, settings.LANGUAGES = own, [(code, code) for code in offered]

    assert shown_languages() == shown


def test_the_transports_of_the_site_are_named(admin: User, client_for: ClientFor, settings: Settings) -> None:
    memory = {"pager": "notifications_hub.transports.memory.Memory"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": memory}

    assert client_for(admin).get(PAGE).context["transports"] == ["Web Push", "Pager"]


# Faults


class Faulty(Kind):
    """A kind whose title needs what its sample lacks."""

    sample = Sample(actor="Bob")

    def title(self, notification: NotificationLike) -> str:
        return gettext("%(amount)s paid") % notification.data


def test_a_title_that_raises_is_shown_as_an_error_beside_the_rest(admin: User, client_for: ClientFor) -> None:
    type("Bill", (Faulty,), {"name": "tests.bill"})
    found = entries(client_for(admin))

    assert in_english(found["tests.bill"]).errors == ("title: KeyError: 'amount'",)
    assert shown(found["tests.bill"]).card.title == "Bob"
    assert shown(found["comment.reply"]).card.title == "Bob replied to “Moving plants”"


def _not_in_chinese() -> str:
    if get_language() == "zh-hans":
        raise LookupError("no such word")
    return "paid"


def test_a_sample_that_fails_in_one_language_is_shown_in_the_others(admin: User, client_for: ClientFor) -> None:
    type("Bill", (Kind,), {"name": "tests.bill", "sample": Sample(verb=lazy(_not_in_chinese, str)())})
    found = entries(client_for(admin))["tests.bill"]

    assert shown(found).push["title"] == "paid"
    assert {one.language: one.errors for one in found.languages if one.errors} == {
        "zh-hans": ("LookupError: no such word",)
    }


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"sample": Sample(data={"when": object()})}, "TypeError: Object of type object is not JSON serializable"),
        ({"sample": Sample(extension={"tenant": 1})}, "ValueError: the sample has `extension`, but no app declares"),
        ({"sample": Sample(actor="\ud800")}, "ValueError: the sample's '\\ud800' contains a NUL character or half of"),
        ({"sample": property(lambda self: 1 / 0)}, "ZeroDivisionError: division by zero"),
        ({"label": property(lambda self: 1 / 0)}, "ZeroDivisionError: division by zero"),
        ({"urgency": "sometimes"}, "ValueError: 'sometimes' is not a valid Urgency"),
    ],
)
def test_whatever_fails_the_page_shows_it_and_every_other_kind(
    fault: dict[str, Any], error: str, admin: User, client_for: ClientFor
) -> None:
    type("Bill", (Kind,), {"name": "tests.bill", "sample": Sample(), **fault})
    response = client_for(admin).get(PAGE)
    found = {entry.name: entry for entry in response.context["entries"]}
    errors = [*found["tests.bill"].errors, *(one for shown in found["tests.bill"].languages for one in shown.errors)]

    assert any(one.startswith(error) for one in errors)
    assert shown(found["comment.reply"]).card.title == "Bob replied to “Moving plants”"


def test_words_of_a_kind_are_text_and_no_markup(admin: User, client_for: ClientFor) -> None:
    class Hostile(Kind):
        name = "tests.hostile"
        label = "<script>alert(1)</script>"
        sample = Sample(actor="<script>alert(2)</script>", verb="<b>won</b>", description="<script>alert(3)</script>")

    text = client_for(admin).get(PAGE).content.decode()

    assert "&lt;script&gt;alert(2)" in text
    assert "<script>alert" not in text
    assert "<b>won" not in text


def test_a_kind_without_a_sample_says_how_to_give_it_one(admin: User, client_for: ClientFor) -> None:
    class Bare(Kind):
        name = "tests.bare"

    response = client_for(admin).get(PAGE, {"kind": "tests.bare"})

    assert "This kind has no sample. Add one to its class:" in response.content.decode()


# Cost


def test_a_page_writes_nothing_and_asks_as_much_for_many_kinds_as_for_one(admin: User, client_for: ClientFor) -> None:
    client = client_for(admin)
    one_kind = statements(client, kind="default")
    for number in range(20):
        type("Many", (Kind,), {"name": f"tests.many{number}", "sample": Sample(), "__qualname__": f"Many{number}"})

    assert len(statements(client)) == len(one_kind)
    assert not [one for one in one_kind if re.search(r"\b(INSERT|UPDATE|DELETE)\b", one)]
    assert not Notification.objects.exists()


def statements(client: Client, **query: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(PAGE, query).status_code == 200
    return [query["sql"] for query in captured.captured_queries]
