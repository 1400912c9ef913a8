"""The command `hub_erase`: removes all that the hub stores about a person."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications_hub.personal_data.erase import erase
from notifications_hub.personal_data.named_person import named_person


class Command(BaseCommand):
    help = (
        "Erase all that the hub stores about a person: their inbox, deliveries, browsers, preferences and jobs, and "
        "the notifications of others that they caused or that name them. The person's account stays: deactivate it "
        "first, and delete it afterwards. A killed run is continued by the next."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="user name, or primary key")
        parser.add_argument("--keep-caused", action="store_true", help="keep the notifications in other inboxes")
        parser.add_argument("--no-input", action="store_true", help="do not ask before")

    def handle(self, *args: Any, **options: Any) -> None:
        person = named_person(options["user"])
        name = person.get_username()
        if (
            not options["no_input"]
            and input(f"Erase all data of {name}? This can't be undone. Type the name: ") != name
        ):
            raise CommandError("That is another name. Nothing was erased.")
        if person.is_active:
            self.stderr.write("The account is active, so new data may be stored. Deactivate it, and erase again.")
        done = erase(person, keep_caused=options["keep_caused"])
        for table, number in done.items():
            self.stdout.write(f"{table}: {number}")
        self.stdout.write(
            f"Erased what the hub stored about {name}." if done else f"The hub stores nothing about {name}."
        )
