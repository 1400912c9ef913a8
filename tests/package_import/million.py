"""The time that a million notifications take: run this on an empty database.

DATABASE_URL=sqlite:////tmp/million.sqlite3 python -m tests.package_import.million
python -m tests.support.postgres python -m tests.package_import.million
"""

from __future__ import annotations

import os
import sys
import time

import django

PEOPLE = 10_000
ROWS = 1_000_000
FILL = """
    INSERT INTO notifications_notification (level, recipient_id, unread, actor_content_type_id, actor_object_id, verb,
        description, target_content_type_id, target_object_id, timestamp, public, deleted, emailed, data)
    SELECT 'info', %(first)s + n %% %(people)s, n %% 3 = 0, %(type)s, CAST(%(first)s + n * 7 %% %(people)s AS text),
        'replied to', 'A description of a few words', %(type)s, CAST(%(first)s + n * 13 %% %(people)s AS text),
        {timestamp}, TRUE, FALSE, FALSE, CASE WHEN n %% 2 = 0 THEN {data} END
    FROM {numbers}
"""
DATA = """'{"url": "/posts/' || n || '/", "number": ' || n || '}'"""
POSTGRESQL = {
    "timestamp": "now() - n * interval '1 second'",
    "data": f"CAST({DATA} AS jsonb)",
    "numbers": "generate_series(1, %(rows)s) AS numbers(n)",
}
SQLITE = {
    "timestamp": "datetime('now', '-' || n || ' seconds')",
    "data": DATA,
    "numbers": "(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %(rows)s) "
    "SELECT n FROM numbers) AS numbers",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()

    from django.contrib.contenttypes.models import ContentType
    from django.core.management import call_command
    from django.db import connection

    from accounts.models import User
    from tests.package_import import old

    call_command("migrate", verbosity=0)
    User.objects.bulk_create(User(username=f"person{number}") for number in range(PEOPLE))
    first = User.objects.order_by("pk").values_list("pk", flat=True)[0]
    people = ContentType.objects.get_for_model(User).pk
    with old.old_table(is_text=False):
        with connection.cursor() as sql:
            words = POSTGRESQL if connection.vendor == "postgresql" else SQLITE
            sql.execute(FILL.format(**words), {"first": first, "people": PEOPLE, "type": people, "rows": ROWS})
        began, used = time.monotonic(), time.process_time()
        call_command("hub_import")
        took, used = time.monotonic() - began, time.process_time() - used
    sys.stdout.write(f"{connection.vendor}: {took:.0f} s, of which {used:.0f} s are this process's processor time\n")


if __name__ == "__main__":
    main()
