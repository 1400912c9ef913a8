"""Other services notify people over HTTP, by tokens that staff make, limit and revoke in the admin."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, models
from django.test import Client
from django.views.debug import ExceptionReporter

from accounts.models import User
from notifications_hub.ingest.models import IngestedRequest, ServiceToken
from notifications_hub.ingest.sending import MOST
from notifications_hub.ingest.tokens import make_service_token, revoke_tokens
from notifications_hub.kinds import UnknownKind, get_kind
from notifications_hub.models import Notification
from notifications_hub.ops import retention
from tests.support.full import FULL
from tests.support.together import together

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases(short="postgresql")]

URL = "/api/v1/notify/"
PAID = {"recipients": ["alice", "bob"], "verb": "was paid", "url": "/invoices/12/", "data": {"number": 12}}


@pytest.fixture
def token() -> str:
    return make_service_token("Billing", ["default"])


def ask(token: str, body: Any, path: str = URL, **headers: str) -> Any:
    # As a service: no cookies, and CSRF is checked.
    client = Client(enforce_csrf_checks=True)
    sent = {"Authorization": f"Bearer {token}", **headers}
    return client.post(path, body, content_type="application/json", headers=sent)


def test_a_service_notifies_people_by_user_name_and_key(token: str, alice: User, bob: User) -> None:
    answer = ask(token, PAID | {"recipients": ["alice", str(bob.pk), "alice", "nobody"]})

    assert answer.status_code == 201
    rows = Notification.objects.order_by("pk")
    assert answer.json() == {"ids": [str(row.pk) for row in rows], "unknown": ["nobody"], "inactive": []}
    assert [row.recipient for row in rows] == [alice, bob]
    assert {(row.actor_name, row.verb, row.url) for row in rows} == {("Billing", "was paid", "/invoices/12/")}
    assert [(row.data or {}).get("number") for row in rows] == [12, 12]
    used = ServiceToken.objects.get().last_used
    assert used is not None
    assert datetime.now(UTC) - used < timedelta(minutes=1)


def test_a_repeated_key_answers_the_same_and_sends_once(token: str, alice: User, bob: User) -> None:
    first = ask(token, PAID, **{"Idempotency-Key": "invoice-12"})
    again = ask(token, dict(reversed(PAID.items())), **{"Idempotency-Key": "invoice-12"})
    other = ask(token, PAID | {"verb": "was lost"}, **{"Idempotency-Key": "invoice-12"})

    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert (other.status_code, other.json()["detail"][:28]) == (409, "This Idempotency-Key stands ")
    assert Notification.objects.count() == 2
    assert ask(make_service_token("Other", ["default"]), PAID, **{"Idempotency-Key": "invoice-12"}).status_code == 201
    assert Notification.objects.count() == 4


def test_a_key_whose_request_failed_can_be_used_again(token: str, alice: User, bob: User) -> None:
    assert ask(token, PAID | {"url": "javascript:alert(1)"}, **{"Idempotency-Key": "k"}).status_code == 400
    assert ask(token, PAID, **{"Idempotency-Key": "k"}).status_code == 201


def test_twenty_requests_with_one_key_at_once_send_once(token: str, alice: User, bob: User) -> None:
    answers = together([lambda: ask(token, PAID, **{"Idempotency-Key": "invoice-12"})] * 20)

    assert [answer.status_code for answer in answers] == [201] * 20
    assert len({answer.content for answer in answers}) == 1
    assert Notification.objects.count() == 2


def test_an_answer_with_any_name_is_repeated_and_no_name_is_stored(token: str, alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    names = ["nobody", "bob", "alice", "nobody", "nul\0"]
    first, again = (ask(token, PAID | {"recipients": names}, **{"Idempotency-Key": "k"}) for _ in range(2))

    assert first.json() == {**first.json(), "unknown": ["nobody", "nul\0"], "inactive": ["bob"]}
    assert (again.status_code, again.json()) == (201, first.json())
    assert "bob" not in str(list(IngestedRequest.objects.values()))


def test_a_killed_request_leaves_its_key_free(
    token: str, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(IngestedRequest, "save", _killed_after_sending)
        with pytest.raises(KeyboardInterrupt):
            ask(token, PAID, **{"Idempotency-Key": "k"})
    assert not Notification.objects.exists()
    assert ask(token, PAID, **{"Idempotency-Key": "k"}).status_code == 201
    assert Notification.objects.count() == 2


def _killed_after_sending(row: IngestedRequest, **kwargs: Any) -> None:
    if "update_fields" in kwargs:
        raise KeyboardInterrupt
    models.Model.save(row, **kwargs)


def test_a_batch_is_sent_whole_or_not_at_all(token: str, alice: User, bob: User) -> None:
    wrong = {"notifications": [PAID, PAID | {"kind": "comment.reply"}]}
    refused = ask(token, wrong, f"{URL}batch/", **{"Idempotency-Key": "b"})
    assert refused.status_code == 403
    assert refused.json()["detail"] == (
        "notifications[1]: This token may not send the kind 'comment.reply', only default."
    )
    assert (Notification.objects.count(), IngestedRequest.objects.count()) == (0, 0)

    answer = ask(token, {"notifications": [PAID] * 3}, f"{URL}batch/")
    assert answer.status_code == 201
    assert [len(one["ids"]) for one in answer.json()["results"]] == [2] * 3


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.faults(short=True)
@pytest.mark.exhaustive
def test_the_largest_batch_is_sent(token: str, alice: User, bob: User) -> None:
    """The short form sends a tenth, and has the largest one refused for its first notification alone."""
    refused = ask(token, {"notifications": [PAID | {"kind": "comment.reply"}] + [PAID] * (MOST - 1)}, f"{URL}batch/")
    assert refused.json()["detail"].startswith("notifications[0]: This token may not send")
    size = MOST if FULL else MOST // 10
    answer = ask(token, {"notifications": [PAID] * size}, f"{URL}batch/")
    assert answer.status_code == 201
    assert [len(one["ids"]) for one in answer.json()["results"]] == [2] * size


def test_too_many_notifications_or_people_are_refused_with_the_limit(token: str, alice: User) -> None:
    refused = ask(token, {"notifications": [PAID] * (MOST + 1)}, f"{URL}batch/")
    assert (refused.status_code, "1000" in refused.json()["detail"]) == (400, True)
    many = {"notifications": [PAID | {"recipients": [f"p{n}" for n in range(900)]}] * 12}
    refused = ask(token, many, f"{URL}batch/")
    assert refused.json()["detail"] == "A batch reaches at most 10000 people: send several."
    assert not Notification.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"level": "loud"}, "level"),
        ({"url": "https://elsewhere.example/"}, "notifications[0]: The url must be a path of this site"),
        ({"verb": " "}, "the verb must have at least one visible character"),
        ({"recipients": []}, "recipients"),
        ({"nonsense": 1}, "nonsense"),
        ({"timestamp": "2026-11-20T12:00:00"}, "timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
        ({"timestamp": "9999-12-31T23:59:59-12:00"}, "timestamp"),
        ({"must_acknowledge": True}, "must_acknowledge"),
        ({"description": "x" * 70_000}, "65536"),
    ],
)
def test_bad_input_is_named_and_sends_nothing(
    change: dict[str, Any], words: str, token: str, alice: User, bob: User
) -> None:
    answer = ask(token, PAID | change)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert not Notification.objects.exists()


def test_a_service_cannot_get_around_the_rate_of_a_kind_by_other_names(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_kind("comment.reply"), "per_minute", 3, raising=False)
    tokens = [make_service_token(name, ["comment.reply"]) for name in ("Billing", "Shipping")]
    wanted = PAID | {"recipients": ["alice"], "kind": "comment.reply"}
    for number in range(5):
        assert ask(tokens[0], wanted | {"actor": f"Clerk {number}"}).status_code == 201
    assert [row.actor_name for row in Notification.objects.order_by("pk")] == ["Clerk 0", "Clerk 1", "Clerk 2"]

    assert len(ask(tokens[1], wanted).json()["ids"]) == 1


def _expired(row: ServiceToken) -> None:
    ServiceToken.objects.filter(pk=row.pk).update(expires_at=datetime.now(UTC))


def _revoked(row: ServiceToken) -> None:
    assert revoke_tokens(ServiceToken.objects.filter(pk=row.pk)) == 1


@pytest.mark.parametrize("end", [_expired, _revoked])
def test_a_token_that_ended_is_refused(end: Callable[[ServiceToken], None], token: str, alice: User) -> None:
    assert ask(token, PAID).status_code == 201
    end(ServiceToken.objects.get())
    assert ask(token, PAID).status_code == 401
    assert Notification.objects.count() == 1


def test_neither_a_session_nor_another_text_is_a_token(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    assert client.post(URL, PAID, content_type="application/json").status_code == 401
    assert ask("hns_wrong", PAID).status_code == 401
    assert ask(ServiceToken(token_hash="x").token_hash, PAID).status_code == 401


def test_only_members_of_the_tokens_group_are_notified(alice: User, bob: User) -> None:
    staff = Group.objects.create(name="Staff")
    bob.groups.add(staff)
    answer = ask(make_service_token("Billing", ["default"], group=staff), PAID)
    assert answer.json()["unknown"] == ["alice"]
    assert [row.recipient for row in Notification.objects.all()] == [bob]


def test_a_token_whose_group_is_deleted_is_revoked_and_stays(staff: Client, alice: User) -> None:
    group = Group.objects.create(name="Staff")
    secret = make_service_token("Billing", ["default"], group=group)

    page = staff.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})

    assert page.status_code == 302
    row = ServiceToken.objects.get()
    assert (row.group, row.revoked_at is None) == (None, False)
    assert ask(secret, PAID).status_code == 401
    assert not Notification.objects.exists()


def test_kinds_that_do_not_exist_are_named_to_the_developer() -> None:
    with pytest.raises(UnknownKind, match=r"invoice\.payed"):
        make_service_token("Billing", ["invoice.payed"])
    with pytest.raises(TypeError, match=r"like \['default'\]"):
        make_service_token("Billing", "default")


def test_an_error_report_holds_no_token(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ServiceToken.objects, "filter", _fails)
    client = Client(raise_request_exception=False)
    answer = client.post(URL, PAID, content_type="application/json", headers={"Authorization": f"Bearer {token}"})
    report = ExceptionReporter(answer.wsgi_request, *answer.exc_info)  # type: ignore[attr-defined]

    assert answer.status_code == 500
    assert "no database" in report.get_traceback_html()
    for text in (report.get_traceback_html(), report.get_traceback_text()):
        assert token not in text


def _fails(**kwargs: Any) -> None:
    raise OperationalError("no database")


def test_a_deactivated_person_is_named(token: str, alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert ask(token, PAID).json()["inactive"] == ["bob"]
    assert Notification.objects.count() == 1


def test_a_service_that_sends_too_often_waits(token: str, alice: User, settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "SERVICE_RATE": "1/d"}
    assert ask(token, PAID).status_code == 201
    refused = ask(token, PAID)
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    assert ask(make_service_token("Other", ["default"]), PAID).status_code == 201


def test_old_answers_are_pruned(token: str, alice: User) -> None:
    ask(token, PAID, **{"Idempotency-Key": "old"})
    ask(token, PAID, **{"Idempotency-Key": "new"})
    now = datetime.now(UTC)
    IngestedRequest.objects.filter(key="old").update(created=now - timedelta(days=100))
    assert retention.prunable(now - timedelta(days=90)).requests == 1
    assert retention.prune(now - timedelta(days=90)).requests == 1
    assert [row.key for row in IngestedRequest.objects.all()] == ["new"]


# The admin


@pytest.fixture
def staff(admin_client: Client) -> Client:
    return admin_client


ADMIN = "/admin/notifications_hub/servicetoken/"


def made_in(staff: Client, **form: Any) -> str:
    page = staff.post(f"{ADMIN}add/", {"name": "Billing", "kinds": ["default"], **form})
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]
    found = re.search(r'value="(hns_[^"]+)"', page.content.decode())
    assert found, page.content.decode()
    return found[1]


def test_staff_make_a_token_that_is_shown_once_and_revoke_it(staff: Client, alice: User, bob: User) -> None:
    secret = made_in(staff)
    assert ask(secret, PAID).status_code == 201
    row = ServiceToken.objects.get()
    assert secret.startswith(row.beginning)
    for page in (ADMIN, f"{ADMIN}{row.pk}/change/", f"{ADMIN}{row.pk}/history/"):
        assert secret not in staff.get(page).content.decode()
    assert secret not in str(list(ServiceToken.objects.values()))

    changed = {"name": "Billing", "kinds": ["comment.reply", "default"]}
    assert staff.post(f"{ADMIN}{row.pk}/change/", changed).status_code == 302
    assert ServiceToken.objects.get().kinds == ["comment.reply", "default"]
    assert ask(secret, PAID).status_code == 201

    staff.post(ADMIN, {"action": "revoke", "_selected_action": [row.pk]})
    assert ask(secret, PAID).status_code == 401
    assert staff.post(f"{ADMIN}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "revoked" in staff.get(ADMIN).content.decode()


def test_a_token_needs_a_kind_and_never_one_of_the_hubs_own(staff: Client) -> None:
    for kinds in ([], ["announcement"], ["task.done"]):
        assert staff.post(f"{ADMIN}add/", {"name": "Billing", "kinds": kinds}).status_code == 200
    assert not ServiceToken.objects.exists()
