"""`manage.py hub_row_triggers`: live rows that raw SQL and other programs change, too."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from notifications_hub.rows import triggers
from notifications_hub.rows.registry import declared_models
from notifications_hub.rows.triggers import NotPossible


class Command(BaseCommand):
    help = (
        "Installs or removes the triggers by which PostgreSQL notes changes of live rows, whoever makes them, or shows "
        "where they are. To install keeps writers from a table for a moment, to remove everybody; a table that others "
        "hold for longer than five seconds is left as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("install", "remove", "show"))
        parser.add_argument(
            "models",
            nargs="*",
            metavar="app.Model",
            help="by default those of ROW_TRIGGERS are installed, those that it does not name removed, and all shown",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        labels = {label.lower() for label in options["models"]}
        try:
            getattr(self, f"_{options['action']}")(labels)
        except NotPossible as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            raise CommandError(f"Nothing was changed there; try again when it is quiet: {error}") from error

    def _install(self, labels: set[str]) -> None:
        if not (labels := labels or {*triggers.named()}):
            raise CommandError("Name the models, here or in ROW_TRIGGERS.")
        for label in sorted(labels):
            triggers.install(triggers.model_of(label))
            self.stdout.write(f"{label}: installed.")
        self._say_what_is_left()

    def _remove(self, labels: set[str]) -> None:
        # Processes that run with this setting tell nothing there themselves.
        if still := labels & triggers.named():
            raise CommandError(
                f"Take {', '.join(sorted(still))} out of ROW_TRIGGERS and restart every process first, or pages hear "
                "nothing of what is changed there."
            )
        for label in sorted(labels or triggers.installed() - triggers.named()):
            triggers.remove(label)
            self.stdout.write(f"{label}: removed.")

    def _show(self, labels: set[str]) -> None:
        installed = triggers.installed()
        live = {model._meta.label_lower for model in declared_models()}
        for label in sorted(labels or live | installed):
            self.stdout.write(f"{label}: {'installed' if label in installed else 'none'}.")
        self._say_what_is_left()

    def _say_what_is_left(self) -> None:
        for words in triggers.disagreements():
            self.stdout.write(words)
