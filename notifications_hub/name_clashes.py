"""Names that the hub and its package take, and that a project may have used before.

django-notifications is the package `notifications`, with an app of that label. People's notifications are
`user.notifications`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

NAME = "notifications"
MODEL = "notifications_hub.Notification"
MODEL_WANTED = f'Set NOTIFICATIONS_NOTIFICATION_MODEL = "{MODEL}" before the first migration.'
_GUIDE = 'See "Names that your project uses" in the guide "Beside what your project has".'
_LEAVE_OUT = f'take "{NAME}" out of INSTALLED_APPS, as the hub needs only the code of that package'


def require_unhidden_package() -> None:
    """Raise `ImproperlyConfigured`, with the remedy, if an app of the project hides the package or has its label.

    Django calls this before it loads any model. Its own errors name neither the cause nor the remedy.
    """
    spec = find_spec(NAME)
    if spec is not None and spec.origin is not None and not (_is_package(spec.origin) or _is_installed(spec.origin)):
        raise ImproperlyConfigured(
            f"{spec.origin} hides the package django-notifications, which the hub imports by the same name. Rename "
            f'that folder, keep label = "{NAME}" in its AppConfig, and {_LEAVE_OUT}. {_GUIDE}'
        )
    if (other := _app_of_label()) and any(_is_inside(entry) for entry in settings.INSTALLED_APPS):
        raise ImproperlyConfigured(
            f"The app {other!r} has the label {NAME!r}, like the package django-notifications: {_LEAVE_OUT}. {_GUIDE}"
        )


def _is_installed(origin: str) -> bool:
    """Return whether a file is where pip puts the package. `package_import/shared_folder.py` looks at that folder."""
    try:
        folder = distribution("django-notifications-community").locate_file(NAME)
    except PackageNotFoundError:
        return True
    return Path(origin).is_relative_to(Path(str(folder)))


def _app_of_label() -> str:
    """Return the name of an app of the project that has the package's label, or an empty text."""
    # Apps before the hub are loaded already. One after it shows its label only when it is made, as Django will do.
    later = [AppConfig.create(each) for each in settings.INSTALLED_APPS if f".{NAME}" in each and not _is_inside(each)]
    found = {app.label: app.name for app in (*later, *apps.app_configs.values()) if app.name != NAME}
    return found.get(NAME, "")


def _is_inside(entry: str) -> bool:
    return entry.partition(".")[0] == NAME


def _is_package(origin: str) -> bool:
    """Return whether the package's models are beside a file. A search for the module would import the folder."""
    return Path(origin).with_name("base").joinpath("models.py").is_file()


def require_model_setting() -> None:
    """Raise `ImproperlyConfigured` if the model's setting is missing, which the hub's foreign keys read."""
    if not hasattr(settings, "NOTIFICATIONS_NOTIFICATION_MODEL"):
        raise ImproperlyConfigured(MODEL_WANTED)


def require_attribute() -> None:
    """Raise `ImproperlyConfigured` if the user model has a field of the hub's name. Django could make no user then."""
    user = get_user_model()
    if any(field.name == NAME for field in (*user._meta.fields, *user._meta.many_to_many, *user._meta.private_fields)):
        raise ImproperlyConfigured(
            f"{user._meta.label} has a field {NAME!r}, a name under which the hub has people's notifications. Rename "
            f"that field. {_GUIDE}"
        )


@register(Tags.models)
def check_accessor(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Name the field of the project to rename. Django's errors E304 and E305 name the hub's field too."""
    return [
        Error(
            f"The related_name {NAME!r} is a name under which the hub has people's notifications.",
            hint=f"Rename yours: the migration changes no table. Queries use the new name too. {_GUIDE}",
            obj=relation.field,
            id="notifications_hub.E041",
        )
        for relation in get_user_model()._meta.related_objects
        if relation.get_accessor_name() == NAME and relation.related_model._meta.app_label != "notifications_hub"
    ]
