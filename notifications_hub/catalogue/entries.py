"""The entries of the catalogue: each kind with its options, and its sample in each language.

A kind that fails is an entry too, with its error in place of what failed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.messages.storage.base import Message as DjangoMessage
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications_hub.catalogue.languages import is_right_to_left, language_name
from notifications_hub.catalogue.samples import SAMPLE_ID, RenderedSample, rendered_sample
from notifications_hub.flash import django_message
from notifications_hub.inbox.views import InboxEntry
from notifications_hub.kinds import Kind, Privacy, Urgency, method_name
from notifications_hub.message import Message, time_to_live
from notifications_hub.transports import default_methods, locked_methods
from notifications_hub.transports.web_push.payload import encode

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A sample in one language, in the form of each delivery method. `item` is the JSON that pages receive."""

    item: str
    card: InboxEntry
    flashes: tuple[DjangoMessage]
    push: Mapping[str, Any]
    fields: Pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class InLanguage:
    """A kind in one language. Without a sample, or if that cannot be built, nothing is shown."""

    language: str
    name: str
    direction: str
    shown: Shown | None
    errors: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A kind with its options, as pairs of a name and words, and its sample in each language."""

    name: str
    label: str
    declared_in: str
    options: Pairs
    lacks_sample: bool
    languages: tuple[InLanguage, ...]
    errors: tuple[str, ...]


def entry_of(kind: Kind, languages: Iterable[str]) -> Entry:
    """Return the entry of a kind. Errors of the kind become words of the entry."""
    cls = type(kind)
    label = kind.name
    options: Pairs = ()
    errors: tuple[str, ...] = ()
    shown_in: tuple[InLanguage, ...] = ()
    try:
        label, options = str(kind.label or kind.name), _options(kind)
        if kind.sample is not None:
            shown_in = tuple(_in_language(kind, language) for language in languages)
    except Exception as error:  # noqa: BLE001 -- a host's code may raise anything; the page shows it
        errors = (_in_words(error),)
    return Entry(
        name=kind.name,
        label=label,
        declared_in=f"{cls.__module__}.{cls.__qualname__}",
        options=options,
        lacks_sample=not (shown_in or errors),
        languages=shown_in,
        errors=errors,
    )


def _in_language(kind: Kind, language: str) -> InLanguage:
    shown: Shown | None = None
    errors: tuple[str, ...] = ()
    with translation.override(language):
        try:
            rendered = rendered_sample(kind)
            shown = _shown(rendered)
            errors = tuple(f"{part}: {_in_words(error)}" for part, error in rendered.faults.items())
        except Exception as error:  # noqa: BLE001 -- as above
            errors = (_in_words(error),)
    return InLanguage(
        language=language,
        name=language_name(language),
        direction="rtl" if is_right_to_left(language) else "ltr",
        shown=shown,
        errors=errors,
    )


def _shown(rendered: RenderedSample) -> Shown:
    message = rendered.item.message
    return Shown(
        item=json.dumps(rendered.item.as_json()),
        card=InboxEntry.of_item(rendered.item, rendered.markdown),
        flashes=(django_message(message),),
        # Browsers receive this text, with what the kind's privacy leaves of the message.
        push=json.loads(encode(message))["notification"],
        fields=_fields(message),
    )


def _fields(message: Message) -> Pairs:
    """Return the fields that every transport gets, as text, without those that only a real delivery has."""
    values = {
        "title": message.title,
        "body": message.body,
        "url": message.url,
        "level": message.level,
        "icon": message.icon,
        "tag": "" if message.tag == SAMPLE_ID else message.tag,
        "actions": " · ".join(str(action.title) for action in message.actions),
        "urgency": message.urgency.value,
        "ttl": str(message.ttl),
        "privacy": message.privacy.value,
    }
    return tuple((name, value or "–") for name, value in values.items())


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


# Options


def _options(kind: Kind) -> Pairs:
    """Return the kind's options by their names in words. Values that code sets are as code has them."""
    locked = locked_methods(kind)
    return (
        *([(_("On by default"), _methods(default_methods(kind) - locked))] if kind.optional else []),
        *([(_("Always on"), _methods(locked))] if locked else []),
        (_("In preferences"), _in_preferences(kind)),
        (_("On a locked screen"), Privacy(kind.privacy).value),
        (_("Urgency of pushes"), Urgency(kind.urgency).value),
        (_("Pushes are kept for"), _seconds(time_to_live(kind.ttl))),
        (_("Most from one person"), _("no limit") if kind.per_minute is None else _per_minute(kind.per_minute)),
        (_("Icon"), kind.icon),
    )


def _in_preferences(kind: Kind) -> str:
    if not kind.in_preferences:
        return _("no")
    return _("yes") if kind.optional else _("yes, locked")


def _methods(names: Iterable[str]) -> str:
    return ", ".join(method_name(name) for name in sorted(names)) or _("none")


def _seconds(number: int) -> str:
    return ngettext("%(number)d second", "%(number)d seconds", number) % {"number": number}


def _per_minute(number: int) -> str:
    return _("%(number)d a minute") % {"number": number}
