"""The command `hub_row_triggers`: keeps live rows live when raw SQL and other programs change them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from notifications_hub.rows import triggers
from notifications_hub.rows.registry import declared_models
from notifications_hub.rows.triggers import NotPossible


class Command(BaseCommand):
    help = (
        "Install, remove or show the PostgreSQL triggers that record every change of live rows, by any program. "
        "Installing blocks writers of a table for a moment; removing blocks readers, too. If a table stays locked for "
        "five seconds, it is left unchanged."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("install", "remove", "show"))
        parser.add_argument(
            "models",
            nargs="*",
            metavar="app.Model",
            help="default: install those in ROW_TRIGGERS, remove those not in it, show all",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        labels = {label.lower() for label in options["models"]}
        try:
            getattr(self, f"_{options['action']}")(labels)
        except NotPossible as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            raise CommandError(f"That table was not changed. Try again when it is less busy: {error}") from error

    def _install(self, labels: set[str]) -> None:
        if not (labels := labels or {*triggers.named()}):
            raise CommandError("Name the models, either here or in ROW_TRIGGERS.")
        for label in sorted(labels):
            triggers.install(triggers.model_of(label))
            self.stdout.write(f"{label}: installed.")
        self._show_disagreements()

    def _remove(self, labels: set[str]) -> None:
        # Processes that run with this setting publish no events for these models themselves.
        if still := labels & triggers.named():
            raise CommandError(
                f"First remove {', '.join(sorted(still))} from ROW_TRIGGERS and restart every process. Otherwise pages "
                "would miss changes."
            )
        for label in sorted(labels or triggers.installed() - triggers.named()):
            triggers.remove(label)
            self.stdout.write(f"{label}: removed.")

    def _show(self, labels: set[str]) -> None:
        installed = triggers.installed()
        live = {model._meta.label_lower for model in declared_models()}
        for label in sorted(labels or live | installed):
            self.stdout.write(f"{label}: {'installed' if label in installed else 'not installed'}.")
        self._show_disagreements()

    def _show_disagreements(self) -> None:
        for disagreement in triggers.disagreements():
            self.stdout.write(disagreement)
