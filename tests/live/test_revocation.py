"""Revocations: the changes that write one, and exactly one read of each row in any order of commits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model, login
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext, isolate_apps

from accounts.models import User
from notifications_hub import revoke
from notifications_hub.live import revocation, signing_out
from notifications_hub.live.revocation import Revocation, RevocationType, Unread
from notifications_hub.live.session import check_many
from tests.support.together import rolled_back, together

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

COOKIES = "django.contrib.sessions.backends.signed_cookies"


def written() -> list[tuple[str, str]]:
    """Return the revocations written since the last call."""
    rows = list(Revocation.objects.order_by("pk").values_list("what", "person"))
    Revocation.objects.all().delete()
    return rows


def checks_of(person: User) -> list[tuple[str, str]]:
    return [(RevocationType.CHECK, str(person.pk))]


# Saving a person


@pytest.fixture
def stored(alice: User) -> User:
    return get_user_model().objects.get(pk=alice.pk)


def test_a_save_that_changes_no_right_writes_no_revocation(stored: User) -> None:
    stored.first_name = "Alicia"
    stored.save()
    stored.save(update_fields=["first_name", "password", "is_active"])
    stored.save(update_fields=["last_login"])
    get_user_model().objects.only("username").get(pk=stored.pk).save()
    assert written() == []


def test_a_save_that_cannot_change_a_right_makes_no_extra_query(stored: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        stored.save(update_fields=["last_login", "first_name"])
    assert [query["sql"].split()[0] for query in queries] == ["UPDATE"]


def change_password(one: User) -> None:
    one.set_password("another")
    one.save()


def change_password_alone(one: User) -> None:
    one.set_password("another")
    one.save(update_fields=["password"])


def deactivate(one: User) -> None:
    one.is_active = False
    one.save()


def deactivate_alone(one: User) -> None:
    one.is_active = False
    one.save(update_fields=["is_active"])


def save_over(one: User) -> None:
    """Save an object that was never loaded."""
    User(pk=one.pk, username=one.username, password="another").save()


CHANGES = [change_password, change_password_alone, deactivate, deactivate_alone, save_over]


@pytest.mark.parametrize("change", CHANGES)
def test_a_save_that_changes_a_right_writes_one_revocation(stored: User, change: Callable[[User], None]) -> None:
    change(stored)
    assert written() == checks_of(stored)


def test_a_field_left_out_of_the_save_changes_nothing(stored: User) -> None:
    stored.set_password("another")
    stored.is_active = False
    stored.save(update_fields=["first_name"])
    assert written() == []
    stored.save(update_fields=["is_active"])
    assert written() == checks_of(stored)


def test_deferred_fields_count_as_unchanged(stored: User) -> None:
    part = get_user_model().objects.only("is_active").get(pk=stored.pk)
    part.is_active = False
    part.save()
    assert written() == checks_of(stored)


def test_a_new_person_revokes_nothing(db: None) -> None:
    get_user_model().objects.create_user("new", password="demo")
    get_user_model().objects.bulk_create([User(username="bulk")])
    assert written() == []


def test_a_custom_session_hash_decides(stored: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(User, "get_session_auth_hash", lambda self: f"{self.password} {self.email}")
    stored.first_name = "Alicia"
    stored.save()
    assert written() == []
    stored.email = "alicia@example.com"
    stored.save(update_fields=["email"])
    assert written() == checks_of(stored)


def test_a_user_model_without_hash_and_is_active_never_changes_rights() -> None:
    assert signing_out._rights_of(object()) == ("", True)


def test_saving_or_deleting_a_person_through_a_proxy_counts_too(stored: User) -> None:
    with isolate_apps("accounts"):

        class Customer(User):
            class Meta:
                app_label = "accounts"
                proxy = True

    signing_out.watch_model(Customer)
    customer = Customer.objects.get(pk=stored.pk)
    customer.set_password("another")
    customer.save()
    assert written() == checks_of(stored)
    customer.delete()
    assert (RevocationType.PERSON, str(stored.pk)) in written()


# Ending a session


@pytest.fixture(params=["django.contrib.sessions.backends.db", COOKIES], ids=["rows", "cookies"])
def client(request: pytest.FixtureRequest, settings: Any) -> Client:
    settings.SESSION_ENGINE = request.param
    return Client()


def ended() -> set[str]:
    return set(Revocation.objects.filter(what=RevocationType.SESSION).values_list("session", flat=True))


def sessions_of(client: Client) -> set[str]:
    """Return the session names of a connection that opens now."""
    [signed_in] = check_many([client.cookies["sessionid"].value])
    assert signed_in is not None
    return set(signed_in.sessions)


def sign_in(client: Client, person: User) -> None:
    client.post("/accounts/login/", {"username": person.username, "password": "three-red-lamps"})


def test_signing_out_revokes_the_session(client: Client, alice: User) -> None:
    sign_in(client, alice)
    open_by = sessions_of(client)
    client.post("/accounts/logout/")
    assert open_by & ended()


def test_signing_out_revokes_the_original_session_even_if_it_changed_since(client: Client, alice: User) -> None:
    sign_in(client, alice)
    open_by = sessions_of(client)
    session = client.session
    session["basket"] = [1, 2, 3]
    session.cycle_key()
    session.save()
    client.cookies["sessionid"] = str(session.session_key)
    client.post("/accounts/logout/")
    assert open_by & ended()


def test_signing_in_as_somebody_else_revokes_the_previous_session(client: Client, alice: User, bob: User) -> None:
    sign_in(client, alice)
    open_by = sessions_of(client)
    assert ended() == set()
    sign_in(client, bob)
    assert open_by & ended()
    assert not sessions_of(client) & ended()


def test_signing_in_again_as_the_same_person_revokes_nothing(client: Client, alice: User) -> None:
    sign_in(client, alice)
    open_by = sessions_of(client)
    sign_in(client, alice)
    assert sessions_of(client) & open_by
    assert not open_by & ended()


def test_signing_in_as_somebody_else_revokes_in_the_callers_transaction(alice: User, bob: User) -> None:
    client = Client()
    client.force_login(alice)
    request = RequestFactory().get("/")
    request.COOKIES["sessionid"] = client.cookies["sessionid"].value
    request.session = client.session
    with rolled_back():
        login(request, bob, backend="django.contrib.auth.backends.ModelBackend")
        assert ended()
    assert ended() == set()


def test_a_session_is_revoked_by_its_key_even_if_it_changed_since(alice: User, settings: Any) -> None:
    settings.SESSION_ENGINE = COOKIES
    client = Client()
    sign_in(client, alice)
    open_by = sessions_of(client)
    session = client.session
    session["basket"] = 1
    session.save()
    revoke(alice, session=session.session_key)
    assert open_by & ended()


def test_a_sign_out_without_a_session_is_harmless(alice: User) -> None:
    request = HttpRequest()
    user_logged_out.send(sender=User, request=request, user=alice)
    request.session = SessionStore()
    user_logged_out.send(sender=User, request=request, user=alice)
    assert written() == []


@override_settings(AXES_ENABLED=False)  # this site's own view, which handles no such sign-out
def test_a_sign_out_without_a_request_makes_the_persons_connections_reconnect(alice: User) -> None:
    """Sign out as Channels does for a scope: it passes only the person, before it ends their session."""
    user_logged_out.send(sender=User, request=None, user=alice)
    assert written() == [("renew", str(alice.pk))]


# Reading


def put(*pks: int) -> None:
    Revocation.objects.bulk_create(
        Revocation(pk=pk, what=RevocationType.PERSON, person=str(pk), created=datetime.now(UTC)) for pk in pks
    )


def taken(unread: Unread) -> list[int]:
    return [row.pk for row in unread.take()]


def test_each_row_is_read_once_in_any_order_of_commits(db: None) -> None:
    put(101)
    unread = Unread()
    assert taken(unread) == [101]
    put(105, 103)
    assert taken(unread) == [103, 105]
    put(102, 106)
    assert taken(unread) == [102, 106]
    put(104)
    assert [taken(unread), taken(unread)] == [[104], []]


def test_a_starting_hub_still_reads_rows_that_commit_after_newer_ones(db: None) -> None:
    put(101, 105)
    unread = Unread()
    unread.take()
    put(103)
    assert taken(unread) == [103]
    # Also below the oldest row: older ones are deleted.
    put(100)
    assert taken(unread) == [100]


def test_a_long_transaction_with_very_many_revocations_is_read_completely(db: None) -> None:
    put(1)
    unread = Unread()
    unread.take()
    put(5000)
    assert taken(unread) == [5000]
    put(*range(2000, 3500))
    assert [len(unread.take()) for _ in range(3)] == [1000, 500, 0]


def test_the_number_of_awaited_gaps_is_bounded(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    put(1)
    unread = Unread()
    unread.take()
    put(*range(2, 2 + 4 * revocation.GAPS, 2), 1_000_000)
    while unread.take():
        pass
    assert len(unread._gaps) == revocation.GAPS
    assert unread.take() == []
    monkeypatch.setattr(revocation, "LONGEST_TRANSACTION", 0.0)
    unread.take()
    with CaptureQueriesContext(connection) as queries:
        unread.take()
    assert " BETWEEN " not in queries[0]["sql"]


def test_many_rows_are_read_a_thousand_at_a_time_without_omission(db: None) -> None:
    put(1)
    unread = Unread()
    unread.take()
    put(*range(2, 2502))
    assert [len(unread.take()) for _ in range(4)] == [1000, 1000, 500, 0]


def test_the_newest_row_is_never_deleted(db: None) -> None:
    put(7, 8)
    Revocation.objects.update(created=datetime.now(UTC) - timedelta(days=1))
    revocation.forget_old()
    assert list(Revocation.objects.values_list("pk", flat=True)) == [8]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_revocation_that_commits_after_a_later_one_is_read(alice: User, bob: User) -> None:
    unread = Unread()
    unread.take()
    written, commit = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            revoke(alice)
            written.set()
            commit.wait(10)

    def fast() -> list[str]:
        written.wait(10)
        revoke(bob)
        first = unread.take()
        commit.set()
        return [row.person for row in first]

    [_, first] = together([slow, fast])
    assert first == [str(bob.pk)]
    assert [row.person for row in unread.take()] == [str(alice.pk)]
