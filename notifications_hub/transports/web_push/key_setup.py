"""The steps from no Web Push key to a working one, in words for `hub_vapid`, `hub_doctor` and the start of a server."""

from __future__ import annotations

import os
from collections.abc import Iterable

from notifications_hub.conf import SETTING, hub_settings, is_given

KEY, SUBJECT, PREVIOUS_KEY = "VAPID_PRIVATE_KEY", "VAPID_SUBJECT", "VAPID_PREVIOUS_KEY"
SUBJECT_STARTS = ("mailto:", "https://")
_UNREACHABLE = ("localhost", ".local", ".invalid", ".test", ".example")
"""Endings of hosts that Apple's push service refuses in a subject, with 403 BadJwtToken."""


def settings_lines(names: Iterable[str]) -> str:
    """Return the lines of a settings file that read these variables from the environment."""
    entries = "".join(f"    {_entry(name)},\n" for name in names)
    return f"import os\n\n{SETTING} = {{\n{entries}}}\n"


def missing_key() -> tuple[str, bool]:
    """Return why there is no key and what to do, and whether somebody has begun to set one."""
    if words := unread(KEY):
        return words, True
    if is_given(KEY):
        remedy = "Put the lines that `manage.py hub_vapid --env` prints into the environment of this process."
        return f"{KEY} in {SETTING} is empty. {remedy}", False
    return "there is no VAPID key. `manage.py hub_vapid --env` makes one, and prints the settings that read it.", False


def subject_fault() -> str:
    """Return what is wrong with the subject, or an empty text."""
    subject = hub_settings.vapid_subject
    if words := unread(SUBJECT):
        return words
    if not subject:
        return (
            f"{SUBJECT} is missing. Push services need an address where they reach you: add "
            f'"{SUBJECT}": "mailto:you@example.com" to {SETTING}.'
        )
    if not subject.startswith(SUBJECT_STARTS):
        return f"{SUBJECT} must be an address where push services reach you: mailto:you@example.com, or https://…"
    return ""


def is_placeholder(subject: str) -> bool:
    """Return whether Apple's push service would refuse the subject, because its host cannot be reached."""
    host = subject.partition(":")[2].rpartition("@")[2].removeprefix("//").partition("/")[0].partition(":")[0]
    return "." not in host or host.endswith(_UNREACHABLE)


def unread(name: str) -> str:
    """Return the remedy if the environment has the variable, but the settings have no value for it."""
    if not os.environ.get(name) or getattr(hub_settings, name.lower()):
        return ""
    return f"the environment has {name}, but your settings do not read it. Add {_entry(name)} to {SETTING}."


def _entry(name: str) -> str:
    return f'"{name}": os.environ.get("{name}", "")'
