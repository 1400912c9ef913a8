"""What is declared of live models: on which topic a row is shown, and what of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models

from notifications_hub.streams.models import check_public_topic

Topic = str | Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class RenderedRow:
    """A row as the pages of one topic have it; where the topic is None none has it."""

    topic: str | None
    item: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class LiveRows:
    """One declaration: what those see of a model's rows who listen to a topic."""

    model: type[models.Model]
    name: str
    topic: Topic
    fields: tuple[str, ...]
    related: tuple[str, ...]

    def show(self, row: models.Model) -> RenderedRow:
        item = {"id": str(row.pk)} | {name: self._value(row, name) for name in self.fields}
        return RenderedRow(self.topic_of(row), item)

    def topic_of(self, row: models.Model) -> str | None:
        """None for a row that is shown to nobody. Raises `BadTopic`."""
        topic = self.topic.format_map(_Attributes(row)) if isinstance(self.topic, str) else self.topic(row)
        return None if topic is None else check_public_topic(topic)

    def related_keys(self) -> list[str]:
        """The columns that say which rows of others it reads."""
        first = {name.split("__")[0] for name in self.related}
        return [field.attname for field in self.model._meta.concrete_fields if field.name in first]

    def _value(self, row: models.Model, name: str) -> object:
        value = getattr(row, name)
        value = value() if callable(value) else value
        if isinstance(value, models.Model):
            raise TypeError(f"{self.name}.{name} is a row of its own: name what is to be seen of it, like its key.")
        return value


class _Attributes(dict[str, Any]):
    """Lets `"post.{post_id}"` be filled from a row."""

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
    """Those of its parents and of the model it is a proxy of, too."""
    return [rows for parent in model.__mro__ for rows in _declared.get(parent, ())]
