"""Samples of kinds, rendered as stored notifications are. Nothing here reads or writes the database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model

from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import KIND as ANNOUNCEMENT
from notifications_hub.extension import NotificationExtension, extension_model, keep, payload_of
from notifications_hub.kinds import Kind, NotificationLike, Sample
from notifications_hub.message import Item
from notifications_hub.notification import Notification, message_from
from notifications_hub.rendering import render_with_faults
from notifications_hub.web.text import is_storable

SAMPLE_ID = "sample"


class NoSample(Exception):
    """Raised when a kind declares no sample."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderedSample:
    """The item of a sample in the active language, and the error of each part that its kind failed to render.

    `words` are the texts that the sample itself brings, and not the kind.
    """

    item: Item
    markdown: str
    faults: Mapping[str, Exception]
    words: tuple[str, ...]


def rendered_sample(kind: Kind) -> RenderedSample:
    """Return the kind's sample as a page would show it. Raise `NoSample`, or what is wrong with the sample itself."""
    sample = kind.sample
    if sample is None:
        raise NoSample(kind.name)
    if kind.name == ANNOUNCEMENT:
        return _announcement(sample)
    row, extension = _row(kind, sample)
    rendered, faults = render_with_faults(kind, cast("NotificationLike", row))
    message = message_from(rendered, kind.name, item_id=SAMPLE_ID, tag=SAMPLE_ID)
    return RenderedSample(
        item=Item(
            message=message,
            at=row.timestamp,
            actor=row.actor_name,
            target=row.target_name,
            data=row.data or {},
            extension=payload_of(extension),
        ),
        markdown="",
        faults=faults,
        words=_words_of(row, sample, extension),
    )


def _row(kind: Kind, sample: Sample) -> tuple[Notification, NotificationExtension | None]:
    """Return an unsaved notification, and the unsaved row of the host's columns."""
    person = {} if sample.recipient is None else {"recipient": sample.recipient}
    row = Notification(
        kind=kind.name,
        actor_name=_text(sample.actor),
        target_name=_text(sample.target),
        action_object_name=_text(sample.action_object),
        verb=_text(sample.verb),
        description=_text(sample.description) or None,
        url=str(sample.url),
        level=sample.level,
        # As the database would return it, and with its lazy texts in this language.
        data=json.loads(json.dumps(dict(sample.data), cls=DjangoJSONEncoder)),
        **person,
    )
    model = extension_model()
    if sample.extension and model is None:
        raise ValueError("the sample has `extension`, but no app declares a NotificationExtension")
    extension = None if model is None else model(**sample.extension)
    if extension is not None:
        keep(row, extension)
    return row, extension


def _text(text: object) -> str:
    """Return the text in the active language. Raise `ValueError` for one that `notify.send()` would refuse."""
    found = str(text)
    if not is_storable(found):
        raise ValueError(f"the sample's {found!r} contains a NUL character or half of a surrogate pair")
    return found


def _announcement(sample: Sample) -> RenderedSample:
    draft = Announcement(title=str(sample.verb), body=str(sample.description), url=str(sample.url), level=sample.level)
    message = replace(draft.message(), id=SAMPLE_ID, tag=SAMPLE_ID)
    item = Item(message=message, at=draft.starts_at)
    return RenderedSample(item=item, markdown=draft.markdown(), faults={}, words=())


# The words that a sample brings


def _words_of(row: Notification, sample: Sample, extension: NotificationExtension | None) -> tuple[str, ...]:
    named = (row.actor_name, row.target_name, row.action_object_name, row.description or "")
    return tuple(filter(None, (*named, *_texts_in([row.data, extension, sample.recipient]))))


def _texts_in(value: object) -> Iterator[str]:
    """Yield every text in JSON-like data and in the columns of models, also of those that they refer to."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts_in(list(value.values()))
    elif isinstance(value, list):
        for one in value:
            yield from _texts_in(one)
    elif isinstance(value, Model):
        yield str(value)
        yield from _texts_in([vars(value).get(field.attname) for field in value._meta.concrete_fields])
        yield from _texts_in(list(value._state.fields_cache.values()))
