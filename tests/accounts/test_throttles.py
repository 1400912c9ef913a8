"""Rate limits of the site's forms and of guessed passwords, per person and per address."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.contrib.auth import get_user
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from config.settings import RATES
from showcase.models import Post, Reply, Room
from tests.support.redis import RedisServer
from tests.support.site import Site

if TYPE_CHECKING:
    from pytest_django import Settings

ClientFor = Callable[[User], Client]
StartSite = Callable[..., Site]

NOON = "2026-11-28T12:00:00Z"
both_databases = pytest.mark.both_databases(short="sqlite")
PASSWORD = "three-red-lamps"


@pytest.fixture(autouse=True)
def _site_rates(settings: Settings, db: None) -> None:
    settings.RATES = RATES
    cache.clear()


def limit_of(scope: str, whose: str = "person") -> int:
    return int(RATES[scope][whose].partition("/")[0])


def sign_in(client: Client, password: str, *, path: str = "/accounts/login/", **given: Any) -> Any:
    return client.post(path, {"username": "alice", "password": password}, **given)


# Guessing passwords


@both_databases
@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/login/"])
def test_five_wrong_passwords_lock_out_the_right_one_too(client: Client, alice: User, path: str) -> None:
    answers = [sign_in(client, "wrong", path=path).status_code for _ in range(5)]
    right = sign_in(client, PASSWORD, path=path)

    assert answers == [200, 200, 200, 200, 429]
    assert (right.status_code, right["Retry-After"]) == (429, "900")
    assert "Try again in 15 minutes." in right.content.decode()
    assert not get_user(client).is_authenticated


@both_databases
@pytest.mark.parametrize("address", ["", "2001:db8:1:2:3:4:5:6"])
def test_wrong_passwords_count_over_ipv6_and_behind_a_socket_without_addresses(
    client: Client, alice: User, address: str
) -> None:
    codes = [sign_in(client, "wrong", REMOTE_ADDR=address).status_code for _ in range(5)]

    assert codes == [200, 200, 200, 200, 429]


def test_a_name_is_locked_only_for_the_guessing_address(client: Client, alice: User) -> None:
    for _ in range(6):
        sign_in(client, "wrong", REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": "203.0.113.5"})

    assert sign_in(client, PASSWORD, REMOTE_ADDR="192.0.2.1").status_code == 429
    assert sign_in(client, PASSWORD, REMOTE_ADDR="192.0.2.2").status_code == 302


def test_the_right_password_resets_the_count(client: Client, alice: User) -> None:
    for _ in range(3):
        codes = [sign_in(client, "wrong").status_code for _ in range(4)] + [sign_in(client, PASSWORD).status_code]
        assert codes == [200, 200, 200, 200, 302]


def test_one_address_can_try_a_limited_number_of_names(client: Client, alice: User) -> None:
    limit = limit_of("sign_in", "address")
    with time_machine.travel(NOON, tick=False):
        for number in range(limit):
            client.post("/accounts/login/", {"username": f"name-{number}", "password": "wrong"})
        refused = client.post("/admin/login/", {"username": "one-more", "password": "wrong"})

    assert (refused.status_code, refused["Retry-After"]) == (429, "600")
    assert sign_in(client, PASSWORD, REMOTE_ADDR="192.0.2.2").status_code == 302


@pytest.mark.both_databases(short="postgresql")
def test_two_processes_count_wrong_passwords_together(start_site: StartSite) -> None:
    site = start_site()
    visitor = site.visitor()
    visitor.get("/accounts/login/")
    form = {"username": "alice", "password": "wrong"}
    site.python("from django.test import Client")
    in_the_other = f"print(Client().post('/accounts/login/', {form!r}, HTTP_HOST='127.0.0.1').status_code)"
    codes = []
    for _ in range(3):
        codes += [visitor.post("/accounts/login/", data=form).status_code, int(site.python(in_the_other))]

    assert codes == [200, 200, 200, 200, 429, 429]


def test_wrong_passwords_still_count_without_redis(start_site: StartSite, redis_server: RedisServer) -> None:
    site = start_site(REDIS_URL=redis_server.url, TEST_RATES="1")
    redis_server.stop()
    site.visitor("bob")
    form = {"username": "alice", "password": "wrong"}
    visitor = site.visitor()
    visitor.get("/accounts/login/")
    codes = [visitor.post("/accounts/login/", data=form).status_code for _ in range(5)]

    assert codes == [200, 200, 200, 200, 429]


# Forms

OTHER_SCOPES = ["reply", "room", "member", "report", "password"]


def _forms(room: Room, post: Post) -> dict[str, tuple[str, dict[str, str]]]:
    return {
        "post": ("/", {"title": "Hello", "body": "Text"}),
        "reply": (f"/posts/{post.pk}/", {"body": "Text"}),
        "room": ("/showcase/chat/", {"name": "Room"}),
        "member": (f"/showcase/chat/{room.slug}/members/", {"username": "nobody"}),
        "report": ("/showcase/report/", {"how": "parts"}),
        "password": ("/accounts/password/", {"old_password": "wrong"}),
    }


@pytest.fixture
def form_for(alice: User) -> dict[str, tuple[str, dict[str, str]]]:
    """Return, per scope, a path and a form that it accepts."""
    room = Room.objects.create(name="Lobby", slug="lobby", owner=alice, is_open=True)
    room.memberships.create(person=alice)
    return _forms(room, Post.objects.create(author=alice, title="Hello", body="Text"))


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param("post", marks=pytest.mark.both_databases),
        # All scopes share the table, so one of them on PostgreSQL is enough.
        *(pytest.param(scope, marks=both_databases(short="sqlite")) for scope in OTHER_SCOPES),
    ],
)
def test_a_person_can_send_each_form_at_a_limited_rate(
    client_for: ClientFor, alice: User, bob: User, form_for: dict[str, Any], scope: str
) -> None:
    path, form = form_for[scope]
    client = client_for(alice)
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(limit_of(scope)):
            assert client.post(path, form).status_code in (200, 302)
        refused = client.post(path, form)
        elsewhere = client.post(path, form, REMOTE_ADDR="192.0.2.2")
        another = client_for(bob).post(path, form)
        clock.shift(int(refused["Retry-After"]))
        later = client.post(path, form)

    assert (refused.status_code, elsewhere.status_code) == (429, 429)
    assert "Slow down a little" in refused.content.decode()
    assert "Try again in" in refused.content.decode()
    assert another.status_code != 429
    assert later.status_code in (200, 302)


def test_the_admins_password_form_shares_the_limit(
    client_for: ClientFor, alice: User, form_for: dict[str, Any]
) -> None:
    alice.is_staff = True
    alice.save()
    client = client_for(alice)
    path, form = form_for["password"]
    with time_machine.travel(NOON, tick=False):
        answers = [client.post("/admin/password_change/", form).status_code for _ in range(limit_of("password"))]
        refused = [client.post(each, form).status_code for each in ("/admin/password_change/", path)]

    assert set(answers) == {200}
    assert refused == [429, 429]
    assert client.get("/admin/password_change/").status_code == 200


def test_a_throttled_request_has_no_effect(client_for: ClientFor, alice: User, form_for: dict[str, Any]) -> None:
    client = client_for(alice)
    with time_machine.travel(NOON, tick=False):
        for scope in ("post", "reply"):
            for _ in range(limit_of(scope) + 5):
                client.post(*form_for[scope])

    assert Post.objects.count() == 1 + limit_of("post")
    assert Reply.objects.count() == limit_of("reply")


def test_reading_pages_is_not_limited(client_for: ClientFor, alice: User, form_for: dict[str, Any]) -> None:
    client = client_for(alice)
    path, _form = form_for["post"]

    assert {client.get(path).status_code for _ in range(limit_of("post") * 2)} == {200}


def test_people_at_one_address_share_a_limit(client: Client, form_for: dict[str, Any]) -> None:
    path, form = form_for["post"]
    people = [User.objects.create(username=f"person-{number}") for number in range(12)]
    with time_machine.travel(NOON, tick=False):
        codes = []
        for number in range(limit_of("post", "address") + 1):
            client.force_login(people[number % len(people)])
            codes.append(client.post(path, form).status_code)

    assert set(codes[:-1]) == {302}
    assert codes[-1] == 429


def test_one_address_can_sign_up_a_limited_number_of_people(client: Client) -> None:
    form = {"password1": "harbour-lights-9", "password2": "harbour-lights-9"}
    limit = limit_of("sign_up", "address")
    with time_machine.travel(NOON, tick=False):
        for number in range(limit + 3):
            Client().post("/accounts/signup/", {"username": f"person-{number}", **form})

    assert User.objects.count() == limit


def test_a_throttled_script_gets_json(client_for: ClientFor, alice: User, form_for: dict[str, Any]) -> None:
    path, form = form_for["member"]
    client = client_for(alice)
    with time_machine.travel(NOON, tick=False):
        for _ in range(limit_of("member")):
            client.post(path, form)
        refused = client.post(path, form, headers={"Accept": "application/json"})

    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert refused.json() == {"detail": "Too many requests. Try again in 60 seconds."}


def test_the_throttle_page_is_in_the_readers_language(
    client_for: ClientFor, alice: User, form_for: dict[str, Any]
) -> None:
    User.objects.filter(pk=alice.pk).update(language="zh-hans")
    client = client_for(alice)
    with time_machine.travel(NOON, tick=False):
        pages = [client.post(*form_for["report"]) for _ in range(limit_of("report") + 1)]

    assert "请求过于频繁" in pages[-1].content.decode()
