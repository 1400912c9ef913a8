"""Rows that are changed without Django: by raw SQL, or by another program."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from io import StringIO
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from notifications_hub import streams
from notifications_hub.checks import check_row_triggers
from notifications_hub.ops.doctor import examine
from notifications_hub.rows import triggers
from notifications_hub.rows.trigger_notes import RowChange
from notifications_hub.streams import Event
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import TOMBSTONE
from notifications_hub.streams.numberer import Numberer
from notifications_hub.streams.sweeper import sweep
from tests.rows.board.models import Author, Note, Parcel, Thread
from tests.support.log import holes, unnumbered
from tests.support.together import database_url, in_process, rolled_back

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

NAMED = ["board.Note", "board.Parcel"]


class Page:
    """A page that listens to a topic from its beginning."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._position: Position | None = Position("", 0, 0)

    def new_events(self) -> list[tuple[str, Any]]:
        """Return the new events after a sweep: deleted keys, or key and text of other rows."""
        sweep()
        assert (unnumbered(), holes(), RowChange.objects.count()) == (0, [], 0)
        [reading] = streams.read({self._topic: self._position})
        assert not reading.reset
        self._position = reading.position
        return [_in_short(event.kind, json.loads(event.data)) for event in reading.events]


def _in_short(kind: str, data: dict[str, Any]) -> tuple[str, Any]:
    return kind.rpartition(".")[2], data["ids"] if "ids" in data else f"{data['id']} {data['body']}"


@pytest.fixture
def _installed(settings: Settings) -> Iterator[None]:
    settings.NOTIFICATIONS_HUB = {"ROW_TRIGGERS": NAMED}
    triggers.install(Note)
    triggers.install(Parcel)
    yield
    for label in triggers.installed():
        triggers.remove(label)


installed = pytest.mark.usefixtures("_installed")


@pytest.fixture
def tea() -> Thread:
    return Thread.objects.create(pk=1, title="Tea")


@pytest.fixture
def coffee() -> Thread:
    return Thread.objects.create(pk=2, title="Coffee")


@pytest.fixture
def at_tea(tea: Thread) -> Page:
    return Page("thread.1")


@pytest.fixture
def at_coffee(coffee: Thread) -> Page:
    return Page("thread.2")


@pytest.fixture
def program() -> Iterator[psycopg.Connection[Any]]:
    """Return another program's connection to the same database."""
    with psycopg.connect(database_url(), autocommit=True) as program:
        yield program


COLUMNS = "board_note (id, thread_id, body, address, hidden, views)"


def run(*statements: str) -> None:
    """Run raw SQL over Django's connection."""
    with connection.cursor() as sql:
        for statement in statements:
            sql.execute(statement)


def insert(first: int, last: int, body: str = "Cup ' || key || '") -> str:
    return f"INSERT INTO {COLUMNS} SELECT key, 1, '{body}', '', false, 0 FROM generate_series({first}, {last}) key"


# Published changes


@installed
def test_raw_sql_is_published(at_tea: Page, at_coffee: Page) -> None:
    run(insert(1, 1, "Green"))
    assert at_tea.new_events() == [("created", "1 Green")]
    run("UPDATE board_note SET body = 'Black'")
    assert at_tea.new_events() == [("updated", "1 Black")]
    run("UPDATE board_note SET thread_id = 2")
    assert (at_tea.new_events(), at_coffee.new_events()) == ([("deleted", ["1"])], [("created", "1 Black")])
    run("UPDATE board_note SET id = 5")
    assert at_coffee.new_events() == [("deleted", ["1"]), ("created", "5 Black")]
    run("DELETE FROM board_note")
    assert (at_tea.new_events(), at_coffee.new_events()) == ([], [("deleted", ["5"])])


@installed
def test_another_programs_commits_are_published_and_its_rollbacks_are_not(
    at_tea: Page, program: psycopg.Connection[Any]
) -> None:
    with program.transaction():
        program.execute(insert(1, 3))
        assert at_tea.new_events() == []
    assert at_tea.new_events() == [("created", f"{key} Cup {key}") for key in (1, 2, 3)]
    with program.transaction(force_rollback=True):
        program.execute("UPDATE board_note SET body = 'Never'")
        program.execute("DELETE FROM board_note WHERE id = 2")
    with program.transaction():
        with program.transaction(force_rollback=True):
            program.execute(insert(4, 4))
        program.execute("UPDATE board_note SET body = 'Kept' WHERE id = 3")
    assert at_tea.new_events() == [("updated", "3 Kept")]


@installed
def test_every_statement_that_changes_rows_is_published(at_tea: Page, program: psycopg.Connection[Any]) -> None:
    with program.cursor() as sql, sql.copy(f"COPY {COLUMNS} FROM STDIN") as copy:
        copy.write_row((1, 1, "Copied", "", False, 0))
    assert at_tea.new_events() == [("created", "1 Copied")]
    program.execute(f"{insert(1, 2, 'Twice')} ON CONFLICT (id) DO UPDATE SET body = 'Upserted'")
    assert at_tea.new_events() == [("updated", "1 Upserted"), ("created", "2 Twice")]
    program.execute(f"{insert(1, 3, 'Thrice')} ON CONFLICT DO NOTHING")
    assert at_tea.new_events() == [("created", "3 Thrice")]
    program.execute("UPDATE board_note SET hidden = true WHERE id = 3")
    assert at_tea.new_events() == [("deleted", ["3"])]
    program.execute("TRUNCATE board_note")
    assert at_tea.new_events() == [("deleted", ["1", "2"])]


@installed
@pytest.mark.usefixtures("_own_keys")
def test_cascades_and_nulls_set_by_the_database_are_published(at_tea: Page) -> None:
    Author.objects.create(pk=1, name="Ann")
    run(insert(1, 2), "UPDATE board_note SET author_id = 1 WHERE id = 2")
    assert at_tea.new_events() == [("created", "1 Cup 1"), ("created", "2 Cup 2")]
    run("DELETE FROM board_author")
    assert at_tea.new_events() == [("updated", "2 Cup 2")]
    run("DELETE FROM board_thread")
    assert at_tea.new_events() == [("deleted", ["1", "2"])]


@pytest.fixture
def _own_keys() -> Iterator[None]:
    """Add foreign keys with which the database itself cascades. Django's keys do not."""
    run(
        "ALTER TABLE board_note ADD CONSTRAINT own_thread FOREIGN KEY (thread_id) REFERENCES board_thread"
        " ON DELETE CASCADE, ADD CONSTRAINT own_author FOREIGN KEY (author_id) REFERENCES board_author"
        " ON DELETE SET NULL"
    )
    yield
    run("ALTER TABLE board_note DROP CONSTRAINT own_thread, DROP CONSTRAINT own_author")


@installed
def test_django_and_raw_sql_in_one_transaction_are_published_once_each(at_tea: Page, at_coffee: Page) -> None:
    run(insert(1, 4))
    at_tea.new_events()
    with transaction.atomic():
        run("UPDATE board_note SET body = 'Raw' WHERE id = 2")
        Note.objects.filter(pk=1).update(body="Django's")
        run(insert(5, 5))
        Note.objects.create(pk=6, thread_id=1, body="Django's")
        Note.objects.get(pk=3).delete()
        run("DELETE FROM board_note WHERE id = 4")
    expected = [("created", "5 Cup 5"), ("created", "6 Django's"), ("updated", "1 Django's"), ("updated", "2 Raw")]
    assert sorted(at_tea.new_events()) == sorted([*expected, ("deleted", ["3", "4"])])

    with transaction.atomic():
        Note.objects.filter(pk=1).update(thread=2)
        run("UPDATE board_note SET body = 'Raw', thread_id = 1 WHERE id = 1")
        with rolled_back():
            run("DELETE FROM board_note")
        note = Note.objects.get(pk=1)
        note.thread_id = 2
        note.save()
        run("UPDATE board_note SET body = 'Last' WHERE id = 1")
    assert (at_tea.new_events(), at_coffee.new_events()) == ([("deleted", ["1"])], [("created", "1 Last")])


@installed
def test_fifty_rows_of_one_statement_are_published_in_order(at_tea: Page) -> None:
    run(insert(1, 50))
    assert at_tea.new_events() == [("created", f"{key} Cup {key}") for key in range(1, 51)]


@installed
def test_a_topic_gets_no_event_for_hidden_rows_and_columns(at_tea: Page) -> None:
    run(insert(1, 1), "UPDATE board_note SET hidden = true", "UPDATE board_note SET address = 'Charlie may not see it'")
    assert at_tea.new_events() == []
    run("UPDATE board_note SET hidden = false")
    assert at_tea.new_events() == [("created", "1 Cup 1")]
    run("UPDATE board_note SET views = 7, address = 'Nor this'")
    assert at_tea.new_events() == []
    [address] = [json.loads(event.data)["address"] for event in _last("moderators", 1)]
    assert address == "Nor this"


def _last(topic: str, number: int) -> list[streams.LoggedEvent]:
    [reading] = streams.read({topic: Position("", 0, 0)})
    return reading.events[-number:]


@installed
def test_a_column_of_any_type_is_published_as_django_reads_it() -> None:
    parcel = Parcel(
        pk=uuid4(),
        depot=3,
        due=datetime(2026, 11, 21, 18, 30, 0, 123456, UTC),
        handed_over=date(1, 2, 3),
        took=timedelta(days=2, microseconds=5),
        weight=Decimal("1234567890.12345678901234567890"),
        contents={"tea": ["\u2603 'green'", 0.1, None, {"\\": 10**15}]},
        code=b"\x00\xff%s",
    )
    parcel.save()
    [made] = _last("depot.3", 1)
    run('UPDATE "Parcels on their way" SET "at depot" = 4')
    Parcel.objects.all().publish()
    sweep()
    published, moved = _last("depot.4", 2)
    assert made.data == published.data == moved.data


# Killed processes and faults


@installed
def test_changes_left_by_a_killed_process_are_published_once(at_tea: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_NOTIFICATIONS_HUB", json.dumps({"ROW_TRIGGERS": NAMED}))
    died = in_process("""
        import os, signal
        from notifications_hub.rows import diff, trigger_notes
        from tests.rows.board.models import Note
        append = diff.streams.append_many
        def die_after_it(events):
            events = list(events)
            append(events)
            if events:
                os.kill(os.getpid(), signal.SIGKILL)
        diff.streams.append_many = die_after_it
        Note.objects.bulk_create(Note(pk=pk, thread_id=1, body="Cup") for pk in (1, 2))
        trigger_notes.publish_notes()
    """)
    assert died.wait(30) == -signal.SIGKILL
    assert (RowChange.objects.count(), Event.objects.count()) == (2, 0)
    assert at_tea.new_events() == [("created", "1 Cup"), ("created", "2 Cup")]


@installed
def test_a_change_that_cannot_be_shown_blocks_no_other(
    at_tea: Page, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def name(note: Note) -> str:
        if note.body == "Bad":
            raise ValueError("Bad")
        return "Ann"

    monkeypatch.setattr(Note, "author_name", name)
    run(insert(1, 1), insert(2, 2, "Bad"), insert(3, 3))
    assert at_tea.new_events() == [("created", "1 Cup 1"), ("created", "3 Cup 3")]
    assert "A change of board.note could not be published" in caplog.text


@installed
def test_djangos_changes_are_published_at_once_and_others_at_the_next_sweep(at_tea: Page, numberer: Numberer) -> None:
    Note.objects.create(pk=1, thread_id=1, body="Green")
    assert numberer.finish(20)
    assert [event.kind for event in _last("thread.1", 9)] == ["note.created"]
    run("DELETE FROM board_note")
    sweep()
    assert numberer.finish(20)
    assert [event.kind for event in _last("thread.1", 9)] == [TOMBSTONE, "note.deleted"]


@installed
def test_publishing_adds_no_statement_to_a_save(
    tea: Thread, numberer: Numberer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    note = Note.objects.create(thread=tea, body="Green")
    with django_assert_num_queries(3):  # with BEGIN and COMMIT
        note.save()


# The triggers themselves


@installed
def test_a_program_without_rights_on_the_notes_is_published(at_tea: Page, program: psycopg.Connection[Any]) -> None:
    role = f"clerk_{uuid4().hex[:8]}"
    run(f"CREATE ROLE {role}", f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON board_note TO {role}")
    try:
        program.execute(f"SET ROLE {role}")
        program.execute(insert(1, 1))
        assert at_tea.new_events() == [("created", "1 Cup 1")]
        program.execute("TRUNCATE board_note")
        assert at_tea.new_events() == [("deleted", ["1"])]
    finally:
        run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.fixture
def forger() -> Iterator[str]:
    """Create a role that may create tables in the site's database, as every role could before PostgreSQL 15."""
    role = f"forger_{uuid4().hex[:8]}"
    run(f"CREATE ROLE {role}", f"GRANT CREATE ON SCHEMA public TO {role}")
    yield role
    run(f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")


FORGED = "CREATE TABLE forged (id int, thread_id int, body text, address text, hidden bool, views int)"
ATTACHED = (
    "CREATE TRIGGER notifications_hub_rows AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW"
    " EXECUTE FUNCTION public.notifications_hub_note_change('board.note')"
)
LIE = "INSERT INTO {table} VALUES (1, 1, 'A lie', '', false, 0)"


@installed
def test_another_role_cannot_attach_the_function_to_its_own_table(
    program: psycopg.Connection[Any], forger: str
) -> None:
    program.execute(f"SET ROLE {forger}")
    program.execute(FORGED)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="notifications_hub_note_change"):
        program.execute(ATTACHED.format(table="forged"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        program.execute("INSERT INTO notifications_hub_rowchange (model) VALUES ('board.note')")


@installed
@pytest.mark.parametrize("table", ["forged", "pg_temp.board_note", "forged_part"])
def test_a_table_that_is_not_declared_is_not_noted_even_with_the_right_to_the_function(
    at_tea: Page, program: psycopg.Connection[Any], forger: str, table: str
) -> None:
    run(f"GRANT EXECUTE ON FUNCTION notifications_hub_note_change() TO {forger}")
    program.execute(f"SET ROLE {forger}")
    program.execute(FORGED)
    program.execute("CREATE TEMPORARY TABLE board_note (LIKE forged)")
    program.execute("CREATE TABLE forged_whole (LIKE forged) PARTITION BY LIST (id)")
    program.execute("CREATE TABLE forged_part PARTITION OF forged_whole DEFAULT")
    program.execute(ATTACHED.format(table=table))
    program.execute(LIE.format(table=table))
    program.execute(f"UPDATE {table} SET body = 'Another'")
    program.execute(f"DELETE FROM {table}")
    assert (RowChange.objects.count(), at_tea.new_events()) == (0, [])
    run(insert(1, 1, "The truth"))
    assert at_tea.new_events() == [("created", "1 The truth")]
    assert triggers.installed() == {"board.note", "board.parcel"}


@installed
def test_the_function_runs_no_code_of_another_roles_types(program: psycopg.Connection[Any], forger: str) -> None:
    """Try a custom type's cast to JSON, which would run with the rights of the function's owner."""
    run(f"GRANT EXECUTE ON FUNCTION notifications_hub_note_change() TO {forger}")
    program.execute(f"SET ROLE {forger}")
    for statement in (
        "CREATE TYPE trap AS ENUM ('x')",
        "CREATE TABLE ran_as (role text)",
        "GRANT INSERT ON ran_as TO PUBLIC",
        """CREATE FUNCTION spring(trap) RETURNS json LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO public.ran_as VALUES (current_user); RETURN '{}'; END $$""",
        "CREATE CAST (trap AS json) WITH FUNCTION spring(trap)",
        "CREATE TABLE forged (id int, word trap)",
        ATTACHED.format(table="forged"),
        "INSERT INTO forged VALUES (1, 'x')",
    ):
        program.execute(statement)
    assert program.execute("SELECT role FROM ran_as").fetchall() == []


@installed
def test_the_writers_search_path_changes_nothing(at_tea: Page, program: psycopg.Connection[Any], forger: str) -> None:
    run(f"GRANT SELECT, INSERT ON board_note TO {forger}", f"CREATE SCHEMA {forger} AUTHORIZATION {forger}")
    for statement in (
        f"SET ROLE {forger}",
        f"CREATE TABLE {forger}.notifications_hub_rowchange (model text, old jsonb, new jsonb)",
        f"CREATE FUNCTION {forger}.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{{}}'::jsonb $$",
        f"SET search_path = {forger}, public",
        "SET notifications_hub.tables = '{}'",
        insert(1, 1),
    ):
        program.execute(statement)
    assert at_tea.new_events() == [("created", "1 Cup 1")]


@installed
@pytest.mark.parametrize(
    "older",
    [
        "GRANT EXECUTE ON FUNCTION notifications_hub_note_change() TO PUBLIC",
        "ALTER FUNCTION notifications_hub_note_change() RESET notifications_hub.tables",
    ],
)
def test_a_function_that_is_public_or_old_is_reported(settings: Settings, older: str) -> None:
    assert list(triggers.disagreements()) == []
    run(older)
    [words] = triggers.disagreements()
    assert "run `manage.py hub_row_triggers install`" in words
    assert triggers.installed() == {"board.note", "board.parcel"}
    manage("install")
    assert list(triggers.disagreements()) == []


@installed
def test_a_renamed_table_is_reported_and_works_after_a_new_install(
    settings: Settings, at_tea: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("ALTER TABLE board_note RENAME TO board_memo")
    monkeypatch.setattr(Note._meta, "db_table", "board_memo")
    try:
        assert triggers.installed() == {"board.parcel"}
        [words] = triggers.disagreements()
        assert "ROW_TRIGGERS names board.note, which has no triggers" in words
        manage("install")
        assert list(triggers.disagreements()) == []
        run(insert(1, 1).replace("board_note", "board_memo"))
        assert RowChange.objects.count() == 1
    finally:
        RowChange.objects.all().delete()
        run("DELETE FROM board_memo", "ALTER TABLE board_memo RENAME TO board_note")
        monkeypatch.undo()
        triggers.install(Note)


@installed
def test_columns_may_be_added_dropped_and_renamed(at_tea: Page) -> None:
    with rolled_back():
        run("ALTER TABLE board_note RENAME views TO looks", "ALTER TABLE board_note ADD taste json, DROP slug")
        run(insert(1, 1).replace("views", "looks"), "UPDATE board_note SET looks = 5, body = 'Green'")
        # Nothing is committed, so the second sweep numbers the events of the first.
        sweep()
        assert at_tea.new_events() == [("created", "1 Green")]


def manage(*arguments: str) -> list[str]:
    output = StringIO()
    call_command("hub_row_triggers", *arguments, stdout=output, no_color=True)
    return output.getvalue().splitlines()


def left_behind() -> int:
    with connection.cursor() as sql:
        sql.execute(
            "SELECT (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'notifications_hub%')"
            " + (SELECT count(*) FROM pg_proc WHERE proname LIKE 'notifications_hub%')"
        )
        return int(sql.fetchone()[0])


def test_triggers_can_be_installed_twice_and_are_removed_without_a_trace(settings: Settings, at_tea: Page) -> None:
    settings.NOTIFICATIONS_HUB = {"ROW_TRIGGERS": NAMED}
    assert manage("install") == manage("install") == ["board.note: installed.", "board.parcel: installed."]
    run(insert(1, 1))
    assert at_tea.new_events() == [("created", "1 Cup 1")]
    with pytest.raises(CommandError, match=r"First remove board\.note from ROW_TRIGGERS and restart"):
        manage("remove", "board.Note")

    settings.NOTIFICATIONS_HUB = {}
    assert manage("show", "board.Note")[0] == "board.note: installed."
    assert manage("remove") == ["board.note: removed.", "board.parcel: removed."]
    assert "board.note: not installed." in manage("show")
    assert left_behind() == 0
    run("DELETE FROM board_note")
    assert at_tea.new_events() == []


def test_removing_the_notes_table_removes_the_triggers(tea: Thread) -> None:
    triggers.install(Note)
    migration = import_module("notifications_hub.migrations.0001_initial")
    with connection.schema_editor() as editor:
        migration.remove_triggers(None, editor)
    assert left_behind() == 0
    run(insert(1, 1))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["install"], "Name the models"),
        (["install", "board.Thread"], "not a live model"),
        (["install", "board.Nothing"], "not a live model"),
        (["remove", "board.Note"], "board.note has no triggers"),
    ],
)
def test_an_impossible_command_is_refused_with_the_remedy(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        manage(*arguments)


def test_a_locked_table_is_left_unchanged(program: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triggers, "PATIENCE", "50ms")
    with program.transaction():
        program.execute("LOCK board_note IN ROW EXCLUSIVE MODE")
        with pytest.raises(CommandError, match="Try again when it is less busy"):
            manage("install", "board.Note")
    assert left_behind() == 0


@pytest.fixture
def _application_imported() -> None:
    """Import the application now. Its first import sets up logging anew, and a test would lose what is logged."""
    import_module("config.asgi")


@pytest.mark.usefixtures("_application_imported")
def test_a_setting_that_differs_from_the_database_is_reported_and_loses_nothing(
    settings: Settings, at_tea: Page, caplog: pytest.LogCaptureFixture
) -> None:
    def warnings() -> list[str]:
        [finding] = [finding for finding in examine() if finding.about == "row triggers"]
        warned = [warning.msg for warning in check_row_triggers(None, databases=["default"])]
        assert finding.good == (not warned)
        return warned

    assert warnings() == []
    settings.NOTIFICATIONS_HUB = {"ROW_TRIGGERS": ["board.Note"]}
    assert "run `manage.py hub_row_triggers install`" in warnings()[0]
    Note.objects.create(pk=1, thread_id=1, body="Green")
    assert at_tea.new_events() == [("created", "1 Green")]
    assert "board.note, which has no triggers" in caplog.text

    triggers.install(Note)
    assert warnings() == []
    settings.NOTIFICATIONS_HUB = {}
    assert "published twice" in warnings()[0]
    Note.objects.update(body="Black")
    assert at_tea.new_events() == [("updated", "1 Black")] * 2
    triggers.remove("board.note")
