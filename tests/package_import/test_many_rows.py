"""`hub_import` with a million rows: its pace, its memory, and a kill in the middle.

bin/test runs the short form on PostgreSQL, and `FULL=1` the long one on both databases. test_hub_import.py has the
statements on both.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import Databases
from tests.support.full import FULL, report
from tests.support.memory import resident
from tests.support.processes import ROOT, Program, wait_until
from tests.support.site import Shell, manage, site_environment

pytestmark = [pytest.mark.both_databases if FULL else pytest.mark.postgres, pytest.mark.faults(short=True)]

ROWS, PEOPLE = (1_000_000, 10_000) if FULL else (20_000, 500)
MORE_MEMORY = 40_000_000
"""The growth that is allowed after the first chunks, while the names of objects are remembered."""

FILL = """
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from notifications.models import Notification as PackageNotification
from accounts.models import User

User.objects.all().delete()
people = User.objects.bulk_create(User(username=f"person{{number}}") for number in range({people}))
with connection.schema_editor() as editor:
    editor.create_model(PackageNotification)
is_postgres = connection.vendor == "postgresql"
data = '''('{{"url": "/posts/' || n || '/", "number": ' || n || '}}')'''
numbers = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %(rows)s)"
with connection.cursor() as sql:
    sql.execute(f'''
        INSERT INTO notifications_notification (level, recipient_id, unread, actor_content_type_id, actor_object_id,
            verb, description, target_content_type_id, target_object_id, timestamp, public, deleted, emailed, data)
        {{numbers}}
        SELECT 'info', %(first)s + n %% %(people)s, n %% 3 = 0, %(type)s, %(first)s + n * 7 %% %(people)s,
            'replied to', 'A description of a few words', %(type)s, %(first)s + n * 13 %% %(people)s,
            {{"now() - n * interval '1 second'" if is_postgres else "datetime('now', '-' || n || ' seconds')"}},
            TRUE, FALSE, FALSE, CASE WHEN n %% 2 = 0 THEN {{data}}{{"::jsonb" if is_postgres else ""}} END
        FROM numbers
    ''', {{"rows": {rows}, "people": {people}, "type": ContentType.objects.get_for_model(User).pk,
          "first": User.objects.order_by("pk").values_list("pk", flat=True)[0]}})
"""
STATE = """
from django.db import connection
for table in ("notifications_notification", "notifications_hub_notification"):
    with connection.cursor() as sql:
        sql.execute(f"SELECT count(*), count(DISTINCT timestamp), count(CASE WHEN unread THEN 1 END),"
                    f" count(data), min(timestamp), max(timestamp), sum(recipient_id) FROM {table}")
        print(sql.fetchone())
"""


@pytest.fixture
def environment(databases: Databases) -> dict[str, str]:
    """The environment of a site with many rows in the package's table."""
    return site_environment(DATABASE_URL=databases.copy())


@pytest.fixture
def shell(environment: dict[str, str]) -> Iterator[Shell]:
    shell = Shell(environment)
    yield shell
    shell.close()


@pytest.mark.exhaustive
def test_many_rows_are_imported_once_with_little_memory(
    environment: dict[str, str], shell: Shell, tmp_path: Path
) -> None:
    shell.python(FILL.format(rows=ROWS, people=PEOPLE))
    first = start_import(environment, tmp_path / "first")
    wait_until(lambda: imported(first) > 0, seconds=60, what="the first chunk")
    first.kill()
    assert 0 < imported(first) < ROWS, "it was killed too late"

    began = time.monotonic()
    second = start_import(environment, tmp_path / "second")
    wait_until(lambda: imported(second) > 0, seconds=60, what="the first chunk")
    used = [resident([second.process.pid])]
    while second.running:
        used.append(resident([second.process.pid]))
        time.sleep(0.05)
    took = time.monotonic() - began

    assert "Imported" in second.log.read_text()
    old, new = shell.python(STATE).splitlines()
    assert old.startswith(f"({ROWS}, {ROWS}, ")
    assert new == old
    grown = max(used) - used[0]
    report(f"{imported(second):,} rows in {took:.0f} s, {imported(second) / took:,.0f}/s; {grown / 1e6:.1f} MB more")
    assert grown < MORE_MEMORY
    assert "Dropped" in manage("hub_import", "--drop", environment=environment)


def start_import(environment: dict[str, str], log: Path) -> Program:
    command = [sys.executable, str(ROOT / "manage.py"), "hub_import", "--verbosity", "2"]
    return Program(command, log=log, environment=environment)


def imported(program: Program) -> int:
    """Return the number of rows that the last whole line of the log names."""
    lines = [line for line in program.log.read_text().split("\n")[:-1] if line.endswith(" …")]
    return int(lines[-1].split()[0]) if lines else 0
