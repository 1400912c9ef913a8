"""The command `hub_export`: writes all that the hub stores about a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications_hub.personal_data.export import export
from notifications_hub.personal_data.named_person import named_person


class Command(BaseCommand):
    help = (
        "Write all that the hub stores about a person as one JSON object, with a list of rows per table. Keys that let "
        "others send to their browsers are left out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name, or primary key")
        parser.add_argument("--output", type=Path, help="file to write, instead of the terminal; it must not exist")

    def handle(self, *args: Any, **options: Any) -> None:
        person = named_person(options["user"])
        output: Path | None = options["output"]
        if output is None:
            for piece in export(person):
                self.stdout.write(piece, ending="")
            return
        try:
            with output.open("x", encoding="utf-8") as file:
                file.writelines(export(person))
        except FileExistsError:
            raise CommandError(f"{output} exists already. Name a new file.") from None
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"Wrote what the hub stores about {person.get_username()} to {output}.")
