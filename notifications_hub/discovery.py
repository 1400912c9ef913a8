"""The modules of apps in which kinds and topic rules are declared: `notifications.py`, unless `KINDS_MODULE` is set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import module_has_submodule

from notifications_hub import conf


def autodiscover() -> None:
    """Import the module of each installed app. Raise `ImproperlyConfigured`, with the remedy, if one raises."""
    module = conf.kinds_module()
    for app in _apps_with(module):
        _import(f"{app.name}.{module}", app.label)


def _apps_with(module: str) -> Iterator[AppConfig]:
    return (app for app in apps.get_app_configs() if app.module and module_has_submodule(app.module, module))


def _import(module: str, label: str) -> None:
    try:
        import_module(module)
    except Exception as error:
        spec = find_spec(module)
        raise ImproperlyConfigured(
            f"The hub imports {module!r} of the app {label!r} to find kinds and topics, and it raised "
            f"{type(error).__name__}: {error} ({spec.origin if spec else module}). Correct that module. If it is not "
            f"meant for the hub, let the hub look elsewhere: {conf.SETTING} = {{'KINDS_MODULE': 'kinds'}} names the "
            "module of each app that declares kinds, here kinds.py."
        ) from error


@register(Tags.compatibility)
def check_kinds_module(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Warn of a `KINDS_MODULE` that no app has. Without the setting, a project need not declare any kind."""
    module = conf.kinds_module()
    if module == conf.HubSettings.kinds_module or any(_apps_with(module)):
        return []
    return [
        checks.Warning(
            f"KINDS_MODULE is {module!r}, and no installed app has a module of that name.",
            hint="No kinds and no topic rules are found. Correct the name, or declare kinds in such a module.",
            id="notifications_hub.W042",
        )
    ]
