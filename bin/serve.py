"""The part of bin/run that needs Django: migrate the database, create the demo people, serve."""

from __future__ import annotations

import os
import shlex
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader

from config.worker_supervisor import WorkerSupervisor

SWITCH_SECONDS = 0.001
"""How long a thread waits for the interpreter at most. Pages, hub and worker are threads of one process.

SQLite gives the interpreter away at each statement. With Python's 5 ms, a transaction of ten statements took up to
130 ms beside four busy threads, and everybody who writes waited for it.
"""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    refuse_old_database()
    prepare()
    port = int(os.environ["PORT"])
    sys.setswitchinterval(SWITCH_SECONDS)
    introduce(port)
    supervisor = WorkerSupervisor(after_port=port) if settings.CELERY_FOLDER else None
    try:
        # There is no proxy, so no forwarded address is trusted.
        call_command("hub_serve", port=port, forwarded_allow_ips="")
    finally:
        if supervisor is not None:
            supervisor.stop()


def refuse_old_database() -> None:
    """Exit with the remedy if an earlier version with other migrations made the database, as it cannot be upgraded."""
    loader, database = MigrationLoader(connection), connection.settings_dict["NAME"]
    ours = loader.migrated_apps & {"accounts", "notifications_hub", "showcase"}
    unknown = sorted(
        ".".join(key) for key in loader.applied_migrations if key[0] in ours and key not in loader.graph.nodes
    )
    if unknown:
        sys.exit(
            f"bin/run: the database {database} was made by an earlier version (it has {unknown[0]}), "
            "and cannot be upgraded.\nDelete it, which loses its data, and start again:\n\n"
            f"  {how_to_delete()}\n  bin/run"
        )


def how_to_delete() -> str:
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        # Not `name*`, which would delete backups beside it too.
        return "rm -f " + " ".join(shlex.quote(name + suffix) for suffix in ("", "-wal", "-shm"))
    return f"dropdb {shlex.quote(name)} && createdb {shlex.quote(name)}"


def prepare() -> None:
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    if settings.DEBUG:
        call_command("hub_demo", verbosity=0)
    connections.close_all()


def introduce(port: int) -> None:
    print(f"\n  Notifications Hub: http://127.0.0.1:{port}\n")
    if settings.DEBUG:
        print("  Sign in as alice, bob, charlie or admin; the password is demo.")
    print("  Press Ctrl-C to stop.\n", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
