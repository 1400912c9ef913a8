"""`manage.py hub_demo`: people to try the site with. `bin/run` runs it at every start, so a second time is cheap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError
from django.db import models
from django.utils.module_loading import import_string

from notifications_hub import transaction
from notifications_hub.conf import hub_settings
from notifications_hub.people import Person
from notifications_hub.primary import from_primary

PASSWORD = "demo"  # noqa: S105 -- the point of it is that everybody knows it
NAMES = ("alice", "bob", "charlie", "admin")


class Command(BaseCommand):
    help = "Makes the demo people alice, bob, charlie and admin (password: demo), and what the site adds to them."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("hub_demo makes an admin whose password everybody knows: only with DEBUG.")
        with transaction.atomic():
            people = _people()
        if hub_settings.demo:
            import_string(hub_settings.demo)(people)
        if options["verbosity"]:
            self.stdout.write(f"{', '.join(NAMES)}: the password is {PASSWORD}.")


def _people() -> dict[str, Any]:
    model = get_user_model()
    sign_in_names = {name: _sign_in_name(model, name) for name in NAMES}
    found = from_primary(model._default_manager.all()).filter(**{f"{model.USERNAME_FIELD}__in": sign_in_names.values()})
    known = {person.get_username(): person for person in found}
    missing = [name for name, sign_in_name in sign_in_names.items() if sign_in_name not in known]
    # Hashed once for all of them: it is slow on purpose.
    hashed = make_password(PASSWORD) if missing else ""
    for name in missing:
        person = model(**_fields(model, name, sign_in_names[name]), password=hashed)
        person.save()
        known[sign_in_names[name]] = person
    return {name: known[sign_in_name] for name, sign_in_name in sign_in_names.items()}


def _sign_in_name(model: type[Person], name: str) -> str:
    field = model._meta.get_field(model.USERNAME_FIELD)
    return _address(name) if isinstance(field, models.EmailField) else name


def _address(name: str) -> str:
    return f"{name}@example.com"


def _fields(model: type[Person], name: str, sign_in_name: str) -> Mapping[str, Any]:
    """What this user model has of the fields that Django's own has."""
    known = {field.name for field in model._meta.get_fields()}
    wanted: dict[str, Any] = {"first_name": name.capitalize(), "email": _address(name)}
    wanted |= {"is_staff": name == "admin", "is_superuser": name == "admin"}
    fields = {field: value for field, value in wanted.items() if field in known}
    return fields | {model.USERNAME_FIELD: sign_in_name}
