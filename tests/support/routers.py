"""Database routers as hosts write them, for the tests' databases."""

from __future__ import annotations

from typing import Any

from django.db.models import Model


class PrimaryReplicaRouter:
    """The router of Django's documentation. Queries to the replica fail, because tests may not use that database."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        # Django itself reads content types, which exist before all other rows.
        return None if model._meta.app_label == "contenttypes" else "replica"

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool:
        return True


class EventsElsewhere(PrimaryReplicaRouter):
    """An invalid router: the log is in one database, and the logged rows in another."""

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return "replica" if model._meta.model_name in ("event", "stream") else "default"


class PeopleElsewhere(PrimaryReplicaRouter):
    """An invalid router: people and their notifications are in different databases."""

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return "replica" if model._meta.app_label == "accounts" else "default"


class NotesElsewhere(PrimaryReplicaRouter):
    """An invalid router: a live model's changes and their events are in two transactions."""

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return "replica" if model._meta.app_label == "board" else "default"
