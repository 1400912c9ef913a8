"""The demo people. Everybody knows their password, so a site without `DEBUG` must not have them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password, make_password
from django.db import DatabaseError, models

from notifications_hub.database import transaction
from notifications_hub.database.primary import from_primary
from notifications_hub.users import Person

PASSWORD = "demo"  # noqa: S105 -- meant to be known to everybody
NAMES = ("alice", "bob", "charlie", "admin")
REMEDY = (
    "Delete them and all their data with `manage.py hub_demo --remove`, or give each another password with "
    "`manage.py changepassword`."
)

log = logging.getLogger(__name__)


def make_people() -> dict[str, Any]:
    """Return the demo people by name, and create those that do not exist yet."""
    model = get_user_model()
    sign_in_names = _sign_in_names()
    known = {person.get_username(): person for person in _found()}
    missing = [name for name, sign_in_name in sign_in_names.items() if sign_in_name not in known]
    # Hashed once for all of them: it is slow on purpose.
    hashed = make_password(PASSWORD) if missing else ""
    for name in missing:
        person = model(**_fields(model, name, sign_in_names[name]), password=hashed)
        person.save()
        known[sign_in_names[name]] = person
    return {name: known[sign_in_name] for name, sign_in_name in sign_in_names.items()}


def open_accounts() -> list[Any]:
    """Return the active demo people with the known password.

    Costs one query by an indexed column, and one hash for all people that `make_people` created together.
    """
    people = [person for person in _found() if person.is_active]
    known = {stored for stored in {person.password for person in people} if check_password(PASSWORD, stored)}
    return [person for person in people if person.password in known]


def refusal() -> str:
    """Return the reason not to serve this site, or an empty text. With `DEBUG`, demo people are welcome."""
    people = [] if settings.DEBUG else open_accounts()
    names = ", ".join(person.get_username() for person in people)
    return f"{names}: still has the demo password, which everybody knows. {REMEDY}" if names else ""


def check_at_start() -> str:
    """Return the reason not to start this process, or an empty text. An unreachable database is not a reason."""
    try:
        return refusal()
    except DatabaseError as error:
        log.warning("Could not check for demo accounts (%s)", type(error).__name__)
        return ""


def remove_people() -> list[str]:
    """Delete the active demo people with the known password, and return their names."""
    with transaction.atomic():
        people = open_accounts()
        for person in people:
            person.delete()
    return [person.get_username() for person in people]


def _found() -> models.QuerySet[Any]:
    model = get_user_model()
    names = _sign_in_names().values()
    return from_primary(model._default_manager.filter(**{f"{model.USERNAME_FIELD}__in": names}).order_by("pk"))


def _sign_in_names() -> dict[str, str]:
    return {name: sign_in_name(get_user_model(), name) for name in NAMES}


def sign_in_name(model: type[Person], name: str) -> str:
    field = model._meta.get_field(model.USERNAME_FIELD)
    return _address(name) if isinstance(field, models.EmailField) else name


def _address(name: str) -> str:
    return f"{name}@example.com"


def _fields(model: type[Person], name: str, sign_in_name: str) -> Mapping[str, Any]:
    """Return values for the fields that this user model shares with Django's own."""
    known = {field.name for field in model._meta.get_fields()}
    wanted: dict[str, Any] = {"first_name": name.capitalize(), "email": _address(name)}
    wanted |= {"is_staff": name == "admin", "is_superuser": name == "admin"}
    fields = {field: value for field, value in wanted.items() if field in known}
    return fields | {model.USERNAME_FIELD: sign_in_name}
