"""The registry of live models: the topic that shows a row, and the fields that it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models

from notifications_hub.streams.models import check_public_topic

Topic = str | Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class RenderedRow:
    """A row as the pages of one topic show it. With no topic, no page shows it."""

    topic: str | None
    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class LiveRows:
    """One declaration: the fields of a model's rows that the listeners of a topic see."""

    model: type[models.Model]
    name: str
    topic: Topic
    fields: tuple[str, ...]
    related: tuple[str, ...]

    def show(self, row: models.Model) -> RenderedRow:
        item = {"id": str(row.pk)} | {name: self._value(row, name) for name in self.fields}
        return RenderedRow(self.topic_of(row), item)

    def topic_of(self, row: models.Model) -> str | None:
        """Return the row's topic, or None for a row that is shown to nobody. Raise `BadTopic`."""
        topic = self.topic.format_map(_Attributes(row)) if isinstance(self.topic, str) else self.topic(row)
        return None if topic is None else check_public_topic(topic)

    def related_keys(self) -> list[str]:
        """Return the foreign-key columns of the related rows that are shown."""
        first = {name.split("__")[0] for name in self.related}
        return [field.attname for field in self.model._meta.concrete_fields if field.name in first]

    def _value(self, row: models.Model, name: str) -> object:
        value = getattr(row, name)
        value = value() if callable(value) else value
        if isinstance(value, models.Model):
            raise TypeError(f"{self.name}.{name} is another row: name the field of it to show, like its key.")
        return value


class _Attributes(dict[str, Any]):
    """A mapping of a row's attributes, to fill a format like `"post.{post_id}"`."""

    def __init__(self, row: models.Model) -> None:
        super().__init__()
        self._row = row

    def __missing__(self, name: str) -> object:
        return getattr(self._row, name)


_declared: dict[type[models.Model], list[LiveRows]] = {}


def declare(rows: LiveRows) -> None:
    _declared.setdefault(rows.model, []).append(rows)


def declared_models() -> Iterator[type[models.Model]]:
    yield from _declared


def rows_of(model: type[models.Model]) -> list[LiveRows]:
    """Return a model's declarations, with those of its parents and of the model that it is a proxy of."""
    return [rows for parent in model.__mro__ for rows in _declared.get(parent, ())]
