"""The part of bin/cluster that needs Django: create and migrate the database, make the people, collect static files.

`python -m bin.clustering.prepare PASSWORD`.
"""

from __future__ import annotations

import fcntl
import hashlib
import sys
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection, transaction


def main() -> None:
    django.setup()
    create_database()
    call_command("migrate", verbosity=0)
    make_people(sys.argv[1])
    collect_static_files(Path(settings.STATIC_ROOT))
    refuse_what_servers_refuse()


def create_database() -> None:
    """Create the database of the settings, if it does not exist yet."""
    name = connection.settings_dict["NAME"]
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {connection.ops.quote_name(name)}")


def make_people(password: str) -> None:
    """Create the demo people and their content, and give all of them this password."""
    from notifications_hub.ops import demo
    from showcase.demo import make

    with transaction.atomic():
        people = demo.make_people()
        for person in people.values():
            if not person.check_password(password):
                person.set_password(password)
                person.save(update_fields=["password"])
    make(people)


def collect_static_files(root: Path) -> None:
    """Collect the files, unless they are those of the last time. Clusters of this clone share the folder."""
    root.parent.mkdir(exist_ok=True)
    stamp = root.with_name("static.stamp")
    with root.with_name("static.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = _state_of_files()
        if not (stamp.exists() and root.exists() and stamp.read_text() == state):
            call_command("collectstatic", interactive=False, verbosity=0)
            stamp.write_text(state)


def refuse_what_servers_refuse() -> None:
    from notifications_hub.ops.startup import refusal_at_start

    if reason := refusal_at_start():
        sys.exit(reason)


def _state_of_files() -> str:
    files = ((path, storage.path(path)) for finder in get_finders() for path, storage in finder.list([]))
    seen = sorted((path, Path(where).stat().st_mtime_ns) for path, where in files)
    return hashlib.sha256(repr(seen).encode()).hexdigest()


if __name__ == "__main__":
    main()
