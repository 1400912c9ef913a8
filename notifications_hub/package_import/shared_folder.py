"""The folder `notifications/`, which django-notifications-hq and the community line both install.

pip overwrites one's files by the other's, and removes them with either. This imports no models.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

HQ = "django-notifications-hq"
_NEEDED = ("models", "signals", "swappable", "base.models")
_UNINSTALL = f"Run `pip uninstall {HQ}`, then"
_REINSTALL = "`pip install --force-reinstall --no-deps django-notifications-community`."


def require_package() -> None:
    """Raise `ImproperlyConfigured`, with the remedy, if files of the community line are missing or overwritten."""
    models = _models()
    if models is None:
        fault = "The package `notifications` lacks files of django-notifications-community, which the hub needs."
    elif "swapper" in models.read_text():
        # Only hq imports it.
        fault = f"{HQ} has overwritten files of django-notifications-community, which the hub needs."
    else:
        return
    raise ImproperlyConfigured(f"{fault} {_remedy()}")


def shared() -> str:
    """Return a warning, with the remedy, if hq is installed beside the community line, or an empty text."""
    if not _is_hq_installed():
        return ""
    return f"{HQ} is installed in the same folder as what the hub needs. Its removal would break the hub. {_remedy()}"


def _models() -> Path | None:
    """Return the package's `models.py`, or None if the package is not complete."""
    try:
        found = [find_spec(f"notifications.{name}") for name in _NEEDED]
    except ModuleNotFoundError:
        return None
    # A folder of leftovers is a package as well, but has no `__init__.py`.
    if None in found or (package := find_spec("notifications")) is None or package.origin is None:
        return None
    return Path(package.origin).with_name("models.py")


def _remedy() -> str:
    return f"{_UNINSTALL} {_REINSTALL}" if _is_hq_installed() else f"Run {_REINSTALL}"


def _is_hq_installed() -> bool:
    try:
        distribution(HQ)
    except PackageNotFoundError:
        return False
    return True
