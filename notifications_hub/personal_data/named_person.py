"""The person that a command names."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from notifications_hub.database.primary import from_primary
from notifications_hub.users import Person


def named_person(text: str) -> Person:
    """Return the person with this user name, or else with this primary key. Raise `CommandError` for nobody."""
    model = get_user_model()
    people = from_primary(model._base_manager.all())
    named = people.filter(**{model.USERNAME_FIELD: text}).first()
    try:
        found: Person | None = named or people.filter(pk=text).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise CommandError(f"Nobody has the user name or primary key {text!r}. Write it as the admin shows it.")
    return found
