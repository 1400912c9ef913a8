"""The part of bin/run that needs Django: bring the database up to date, make the demo people, serve."""

from __future__ import annotations

import os
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from config.keeper import Keeper


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    prepare()
    port = int(os.environ["PORT"])
    introduce(port)
    keeper = Keeper(after_port=port) if settings.CELERY_FOLDER else None
    try:
        # No proxy stands before it, so nobody is believed to speak for another address.
        call_command("hub_serve", port=port, forwarded_allow_ips="")
    finally:
        if keeper is not None:
            keeper.stop()


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
    print("  Ctrl-C ends it.\n", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
