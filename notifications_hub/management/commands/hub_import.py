"""The command `hub_import`: takes over the notifications of django-notifications."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from notifications_hub.package_import import old_table
from notifications_hub.package_import.rows import import_rows


class Command(BaseCommand):
    help = (
        "Import the notifications that django-notifications stored in its own table. Run it again at any time: it goes "
        "on where it stopped, and imports nothing twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--drop", action="store_true", help="then drop the old table, which keeps people's rows")

    def handle(self, *args: Any, **options: Any) -> None:
        if not old_table.is_there():
            self.stdout.write(f"There is no table {old_table.TABLE}, so there is nothing to import.")
            return
        imported = self._import(is_verbose=options["verbosity"] > 1)
        self.stdout.write(f"Imported {imported} notifications.")
        if options["drop"]:
            self._drop()
        else:
            self.stdout.write(
                f"The table {old_table.TABLE} still refers to people, so they cannot be deleted. Look at the result, "
                "then run `manage.py hub_import --drop`."
            )

    def _import(self, *, is_verbose: bool) -> int:
        imported = left_out = 0
        try:
            for chunk in import_rows():
                imported, left_out = imported + chunk.imported, left_out + chunk.left_out
                if is_verbose:
                    self.stdout.write(f"{imported} …")
        except DatabaseError as error:
            through = old_table.position()
            raise CommandError(f"Imported the rows of {old_table.TABLE} through id {through}, then: {error}") from error
        if left_out:
            self.stdout.write(f"Left out {left_out} whose person is gone.")
        return imported

    def _drop(self) -> None:
        try:
            old_table.drop()
        except DatabaseError as error:
            raise CommandError(f"The table {old_table.TABLE} could not be dropped: {error}") from None
        self.stdout.write(f"Dropped the table {old_table.TABLE}.")
