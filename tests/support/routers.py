"""Database routers as hosts write them, over the databases that tests have."""

from __future__ import annotations

from typing import Any

from django.db.models import Model


class PrimaryReplicaRouter:
    """That of Django's documentation. A query that goes to the replica fails, as tests have not asked for it."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        # Django itself reads content types, which are there before anything else is.
        return None if model._meta.app_label == "contenttypes" else "replica"

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool:
        return True


class EventsElsewhere(PrimaryReplicaRouter):
    """Wrong: the log is in one database, and what is logged in another."""

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return "replica" if model._meta.model_name in ("event", "stream") else "default"


class PeopleElsewhere(PrimaryReplicaRouter):
    """Wrong: people are in another database than what they are told."""

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return "replica" if model._meta.app_label == "accounts" else "default"


class NotesElsewhere(PrimaryReplicaRouter):
    """Wrong: a live model's changes and their events are in two transactions."""

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return "replica" if model._meta.app_label == "board" else "default"
