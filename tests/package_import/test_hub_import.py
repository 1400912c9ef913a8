"""`hub_import`: what becomes of each column, and that no row is lost or imported twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import Client
from notifications.models import Notification as PackageNotification

from accounts.models import User
from notifications_hub.checks import check_old_table
from notifications_hub.models import Event, ImportPosition, Notification
from notifications_hub.ops import doctor
from notifications_hub.package_import import old_table, rows, values
from notifications_hub.package_import.values import Names
from tests.package_import import old

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

AT = datetime(2024, 3, 31, 9, 30, 15, 123456, tzinfo=UTC)

COLUMNS = ["text", "json"] if connection.vendor == "postgresql" else ["text"]


@pytest.fixture(params=COLUMNS, autouse=True)
def is_text(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[bool]:
    with old.old_table(is_text=request.param == "text"):
        yield request.param == "text"


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("hub_import", *arguments, stdout=output, no_color=True)
    return output.getvalue()


def stored(person: User, actor: User, **columns: Any) -> PackageNotification:
    people = ContentType.objects.get_for_model(User)
    own = {"verb": "waved", "timestamp": AT, "actor_content_type": people, "actor_object_id": actor.pk, **columns}
    return PackageNotification(recipient=person, **own)


def imported(verb: str = "waved") -> Notification:
    return Notification.objects.get(verb=verb)


def test_every_column_is_taken_over(alice: User, bob: User) -> None:
    people = ContentType.objects.get_for_model(User)
    row = stored(
        alice,
        bob,
        level="warning",
        description="Hello\nthere",
        target_content_type=people,
        target_object_id=alice.pk,
        action_object_content_type=people,
        action_object_object_id=bob.pk,
        public=False,
        emailed=True,
        data={"url": "/posts/9/", "number": 3, "text": "“ä”"},
    )
    old.add([row])
    assert "Imported 1 notifications." in run()
    found = imported()
    assert (found.recipient, found.actor, found.target, found.action_object) == (alice, bob, alice, bob)
    assert (found.actor_name, found.target_name) == (str(bob), str(alice))
    assert (found.level, found.description, found.public, found.emailed) == ("warning", "Hello\nthere", False, True)
    assert found.data == {"url": "/posts/9/", "number": 3, "text": "“ä”"}
    assert (found.url, found.kind, found.timestamp, found.committed_at) == ("/posts/9/", "default", AT, AT)
    assert (found.unread, found.deleted, found.seen_at, found.dedupe_key, found.scope) == (
        True,
        False,
        None,
        None,
        None,
    )
    assert (found.delivered_at, found.delivered_by, found.flash_claim) == (AT, "import", None)
    assert found.message().title == f"{bob} waved {bob} on {alice}"


def test_read_and_deleted_states_are_taken_over(alice: User, bob: User) -> None:
    old.add([stored(alice, bob, verb=f"{unread}{deleted}", unread=unread, deleted=deleted)
             for unread in (True, False) for deleted in (True, False)])  # fmt: skip
    run()
    mine = alice.notifications
    assert {row.verb for row in mine.unread()} == {"TrueFalse"}
    assert {row.verb for row in mine.read()} == {"FalseFalse"}
    assert {row.verb for row in mine.deleted()} == {"TrueTrue", "FalseTrue"}
    assert imported("FalseFalse").seen_at == AT


def test_an_imported_row_is_neither_flashed_nor_counted_as_seen(alice: User, bob: User, client: Client) -> None:
    old.add([stored(alice, bob) for _ in range(150)])
    run()
    client.force_login(alice)
    page = client.get("/notifications/")
    assert [*page.wsgi_request._messages] == []  # type: ignore[attr-defined]
    assert client.get("/api/v1/notifications/count/").json() == {"unread": 100, "unseen": 100, "capped": True}
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, {}),
        ("null", None),
        ("[1, 2]", {"data": [1, 2]}),
        ('"{\\"twice\\": 1}"', {"twice": 1}),
        ('"words"', {"data": "words"}),
        ({"url": "https://elsewhere.example/"}, {"url": "https://elsewhere.example/"}),
        ({"url": "//elsewhere.example/"}, {"url": "//elsewhere.example/"}),
        ({"url": 7}, {"url": 7}),
    ],
)
def test_data_that_is_no_object_is_wrapped_and_links_stay_on_the_site(
    data: object, expected: object, alice: User, bob: User
) -> None:
    row = stored(alice, bob)
    old.add([row])
    old.set_data(row.pk, data)
    run()
    assert (imported().data, imported().url) == (expected, "")


def test_an_absolute_link_to_the_site_becomes_its_path(alice: User, bob: User, settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"SITE_URL": "https://hub.example"}
    old.add([stored(alice, bob, data={"url": "https://hub.example/posts/9/?page=2"})])
    run()
    assert imported().url == "/posts/9/?page=2"


@pytest.mark.parametrize("text", ["{not json", "NaN", '{"a": NaN}', '{"a": 1e-20000}', '"\\u0000"', "[" * 3000])
def test_text_that_is_no_json_is_kept_as_text(text: str, is_text: bool, alice: User, bob: User) -> None:
    if not is_text:
        pytest.skip("the column holds only JSON")
    row = stored(alice, bob)
    old.add([row])
    old.set_data(row.pk, text)
    run()
    assert imported().data == {"data": text}


def test_an_actor_that_is_gone_or_cannot_be_named_leaves_its_name_empty(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = ContentType.objects.get_for_model(User)
    gone = ContentType.objects.get_or_create(app_label="gone", model="thing")[0]
    old.add([
        stored(alice, bob, verb="a", actor_object_id="999999"),
        stored(alice, bob, verb="b", actor_object_id="not a key"),
        stored(alice, bob, verb="c", actor_content_type=gone, target_content_type=people, target_object_id=str(bob.pk)),
    ])  # fmt: skip
    run()
    assert [imported(verb).actor_name for verb in "abc"] == ["", "", ""]
    assert imported("c").target_name == str(bob)
    monkeypatch.setattr(User, "__str__", lambda self: 1 / 0)
    old.add([stored(alice, bob, verb="d")])
    run()
    assert imported("d").actor_name == ""


def test_enormous_data_is_taken_over(alice: User, bob: User) -> None:
    old.add([stored(alice, bob, data={"url": "/posts/9/", "text": "ä" * 3_000_000})])
    run()
    assert imported().data == {"url": "/posts/9/", "text": "ä" * 3_000_000}
    assert imported().url == "/posts/9/"


def test_a_second_run_imports_only_what_is_new(alice: User, bob: User) -> None:
    old.add([stored(alice, bob)])
    run()
    # A person has deleted it since: it does not come back.
    Notification.objects.all().delete()
    old.add([stored(alice, bob, verb="new")])
    assert "Imported 1 notifications." in run()
    assert "Imported 0 notifications." in run()
    assert [row.verb for row in Notification.objects.all()] == ["new"]


def test_a_run_that_is_stopped_anywhere_goes_on(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "CHUNK", 3)
    old.add([stored(alice, bob, verb=f"v{number}") for number in range(10)])
    places = [(rows, "_statement"), (rows, "data_between"), (Names, "between"), (rows, "Chunk"), (rows, "give_way")]
    for place, name in places:
        with monkeypatch.context() as broken:
            broken.setattr(place, name, stop)
            with pytest.raises(KeyboardInterrupt):
                run()
        # The last place comes after the commit.
        assert Notification.objects.count() == (3 if name == "give_way" else 0)
    run()
    assert sorted(row.verb for row in Notification.objects.all()) == [f"v{number}" for number in range(10)]


def test_debug_keeps_no_statements_of_earlier_chunks(
    alice: User, bob: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True
    monkeypatch.setattr(rows, "CHUNK", 1)
    old.add([stored(alice, bob) for _ in range(20)])
    run()
    assert len(connection.queries_log) < 20


def test_an_error_of_the_database_names_the_place(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "CHUNK", 2)
    old.add([stored(alice, bob, verb=f"v{number}") for number in range(4)])
    third = stored(alice, bob, verb="v4", timestamp=AT)
    old.add([third])
    monkeypatch.setitem(rows._VALUES, "url", f"CASE WHEN old.id < {third.pk} THEN '' END")
    with pytest.raises(CommandError, match=rf"through id {third.pk - 1}, then: .*(url|NOT NULL)"):
        run()
    assert Notification.objects.count() == 4
    monkeypatch.undo()
    assert "Imported 1 notifications." in run()


def stop(*args: object, **kwargs: object) -> None:
    raise KeyboardInterrupt


def test_a_chunk_that_another_process_imported_meanwhile_is_not_imported_again(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.add([stored(alice, bob)])
    read = values.data_between

    def while_another_runs(after: int, through: int) -> values.DataValues:
        monkeypatch.setattr(rows, "data_between", read)
        assert [chunk.imported for chunk in rows.import_rows()] == [1]
        return read(after, through)

    monkeypatch.setattr(rows, "data_between", while_another_runs)
    assert "Imported 0 notifications." in run()
    assert Notification.objects.count() == 1


def test_drop_imports_first_and_lets_people_be_deleted(alice: User, bob: User) -> None:
    old.add([stored(alice, bob), stored(bob, alice, verb="stays")])
    output = run("--drop")
    assert "Imported 2 notifications." in output
    assert "Dropped the table" in output
    assert not old_table.is_there()
    assert not ImportPosition.objects.exists()
    alice.delete()
    assert [row.verb for row in Notification.objects.all()] == ["stays"]
    assert "nothing to import" in run()


def test_a_check_and_the_doctor_warn_until_the_old_table_is_gone(alice: User, bob: User) -> None:
    old.add([stored(alice, bob)])
    for command in ("hub_import", "hub_import --drop"):
        [warning] = check_old_table(None, ["default"])
        assert warning.msg.endswith(f"Run `manage.py {command}`.")
        assert check_old_table(None, None) == []
        assert warning.msg in {finding.words for finding in doctor.examine() if not finding.good}
        with pytest.raises(IntegrityError):
            alice.delete()
        run(*command.split()[1:])
    assert check_old_table(None, ["default"]) == []
    alice.delete()


def test_another_table_of_the_same_name_is_left_alone(alice: User) -> None:
    old.execute(f"DROP TABLE {old_table.TABLE}")
    old.execute(f"CREATE TABLE {old_table.TABLE} (id integer)")
    assert check_old_table(None, ["default"]) == []
    assert "nothing to import" in run("--drop")
    assert old.count() == 0


def test_a_table_that_others_refer_to_is_not_dropped(alice: User, bob: User) -> None:
    old.add([stored(alice, bob)])
    old.execute(f"CREATE TABLE mine (id integer, old_id integer REFERENCES {old_table.TABLE} (id))")
    old.execute(f"INSERT INTO mine (id, old_id) SELECT 1, id FROM {old_table.TABLE}")
    try:
        with pytest.raises(CommandError, match="could not be dropped"):
            run("--drop")
    finally:
        old.execute("DROP TABLE mine")
    assert old.count() == 1
    assert "Imported 0 notifications." in run()


def test_rows_without_a_person_are_left_out(alice: User, bob: User) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("its foreign keys do not let this happen")
    old.add([stored(alice, bob), stored(alice, bob, verb="lost")])
    with connection.constraint_checks_disabled():
        old.execute(f"UPDATE {old_table.TABLE} SET recipient_id = 999999 WHERE verb = 'lost'")
    try:
        assert "Left out 1" in run()
    finally:
        old.execute(f"DELETE FROM {old_table.TABLE}")
    assert Notification.objects.count() == 1


def test_a_content_type_that_is_gone_is_left_empty(alice: User, bob: User) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("its foreign keys do not let this happen")
    old.add([stored(alice, bob)])
    with connection.constraint_checks_disabled():
        old.execute(f"UPDATE {old_table.TABLE} SET actor_content_type_id = 999999")
    try:
        assert "Imported 1" in run()
    finally:
        old.execute(f"DELETE FROM {old_table.TABLE}")
    assert (imported().actor_content_type, imported().actor_object_id, imported().actor_name) == (None, str(bob.pk), "")
