from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from django.urls import clear_script_prefix, set_script_prefix
from django.utils.functional import SimpleLazyObject

from notifications_hub import broadcast
from notifications_hub.notification import Notification
from notifications_hub.transports.web_push.vapid import generate
from notifications_hub.users import is_pseudonym_of, pseudonym_of
from tests.inbox.support import queries_of, send_one

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.both_databases


def bell(person: Any, arguments: str = "", **context: Any) -> str:
    request = RequestFactory().get("/")
    request.user = person
    template = Template("{% load notifications_hub %}{% notification_bell " + arguments + " %}")
    return template.render(Context({"request": request, **context}))


def test_one_line_puts_the_bell_on_a_page(alice: User, bob: User) -> None:
    send_one(alice, bob)
    Notification.objects.filter(pk=send_one(alice, bob).pk).mark_all_as_seen()
    broadcast(title="Maintenance")
    page = bell(alice)

    for attribute in ('unread="3"', 'unseen="2"', 'api="/api/v1/"', 'live="/live/"', 'topics=""'):
        assert attribute in page
    assert 'href="/notifications/"' in page
    assert 'href="/notifications/preferences/"' in page
    assert "<notification-bell" in page


def test_the_bell_names_its_person_by_a_pseudonym(alice: User, charlie: User) -> None:
    whose = [re.search(r'person="(\w{16})"', bell(person)) for person in (alice, alice, charlie)]
    first, again, of_charlie = (found and found[1] for found in whose)

    assert first == again == pseudonym_of(alice.pk)
    assert first != of_charlie


def test_the_pseudonym_outlives_a_new_secret_key(alice: User, charlie: User, settings: Any) -> None:
    given = pseudonym_of(alice.pk)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another"

    assert pseudonym_of(alice.pk) != given
    assert is_pseudonym_of(given, alice.pk)
    assert not is_pseudonym_of(given, charlie.pk)


def test_extra_topics_are_passed_to_the_bell(alice: User) -> None:
    assert 'topics="post.9 room.lobby"' in bell(alice, 'topics="post.9  room.lobby"')
    assert 'topics="post.9"' in bell(alice, "topics=here", here="post.9")
    assert 'topics="&quot;&gt;&lt;script&gt;"' in bell(alice, "topics=here", here='"><script>')


def test_counts_and_sound_are_on_only_if_the_page_asks_for_them(alice: User, settings: Any) -> None:
    names = ("title-count", "favicon-count", "sound", "no-data-images")

    def present(arguments: str) -> list[str]:
        tag = re.search(r"<notification-bell(.+?)>", bell(alice, arguments), re.DOTALL)
        return [name for name in names if tag and name in tag[1].split()]

    assert present("") == []
    assert present("title_count=True sound=True") == ["title-count", "sound"]
    assert present("favicon_count=True") == ["favicon-count"]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"img-src": ["'self'"]}}
    assert present("favicon_count=True") == ["favicon-count", "no-data-images"]


@pytest.mark.parametrize(
    ("login_url", "link"), [("login", "/accounts/login/"), ("/sso/?via=hub", "/sso/?via=hub"), ("no_such_name", "")]
)
def test_the_bell_links_to_the_sign_in_page(alice: User, settings: Any, login_url: str, link: str) -> None:
    settings.LOGIN_URL = login_url
    assert f'sign-in="{link}"' in bell(alice)


def test_a_signed_out_visitor_has_no_bell(db: None) -> None:
    assert queries_of(lambda: bell(AnonymousUser())) == 0
    assert bell(AnonymousUser()) == ""


def test_a_signed_out_page_hides_the_earlier_persons_pushes(db: None, settings: Any) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PRIVATE_KEY": generate()}
    page = bell(AnonymousUser())
    assert "notifications_hub/dist/signed-out-" in page
    assert "<notification-bell" not in page


def test_it_binds_this_browsers_pushes_to_person_session_and_key(alice: User, bob: User, settings: Any) -> None:
    def binding(person: User) -> str:
        found = re.search(r'<push-keeper.*? binding="(.*?)"', bell(person), re.DOTALL)
        assert found
        return found[1]

    assert binding(alice) == ""
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PRIVATE_KEY": generate()}
    first = binding(alice)
    assert first
    assert binding(alice) == first
    alice.set_password("another")
    others = [binding(alice), binding(bob)]
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PRIVATE_KEY": generate()}
    assert len({first, *others, binding(alice)}) == 4


def test_a_page_without_a_request_has_no_bell() -> None:
    assert Template("{% load notifications_hub %}{% notification_bell %}").render(Context()) == ""


def test_the_bell_costs_three_queries_and_writes_nothing(alice: User, bob: User) -> None:
    for _ in range(5):
        send_one(alice, bob)
        broadcast(title="Maintenance")
    rows = Notification.objects.count()

    assert queries_of(lambda: bell(alice)) <= 3
    assert Notification.objects.count() == rows


def test_a_person_who_is_looked_up_lazily_has_a_bell(alice: User) -> None:
    assert "<notification-bell" in bell(SimpleLazyObject(lambda: alice))


def test_charlies_bell_counts_none_of_alices_notifications(alice: User, bob: User, charlie: User) -> None:
    send_one(alice, bob)
    broadcast(title="Staff only", audience="staff")

    assert 'unread="0"' in bell(charlie)


def test_addresses_follow_the_prefix_that_the_host_chose(alice: User) -> None:
    set_script_prefix("/intranet/")
    try:
        page = bell(alice)
    finally:
        clear_script_prefix()

    assert 'api="/intranet/api/v1/"' in page
    assert 'live="/intranet/live/"' in page


@override_settings(ROOT_URLCONF="tests.inbox.urls_elsewhere")
def test_addresses_follow_the_urls_of_the_host(alice: User) -> None:
    page = bell(alice)

    assert 'api="/hub/api/v1/"' in page
    assert 'live="/hub/live/"' in page
    assert 'href="/hub/notifications/"' in page


def test_names_in_the_hosts_context_do_not_matter(alice: User) -> None:
    assert 'unread="0"' in bell(alice, unread=99, api="https://evil.example/")
