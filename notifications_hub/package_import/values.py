"""The values of imported rows that SQL cannot tell: names of objects, links, and data that is no object."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import DatabaseError, models

from notifications_hub.conf import hub_settings
from notifications_hub.database.primary import connection, from_primary
from notifications_hub.streams.models import as_json
from notifications_hub.web.site_paths import own_path
from notifications_hub.web.text import storable

MAX_NAME = 255
MOST_NAMES = 100_000
"""The most names that are remembered from one chunk to the next."""
MOST_DECIMAL_PLACES = 16_383

_PAIRS = """
    SELECT actor_content_type_id, actor_object_id FROM notifications_notification WHERE id > %s AND id <= %s
    UNION
    SELECT target_content_type_id, target_object_id FROM notifications_notification WHERE id > %s AND id <= %s
    UNION
    SELECT action_object_content_type_id, action_object_object_id
    FROM notifications_notification WHERE id > %s AND id <= %s
"""
_DATA = """
    SELECT id, CAST(data AS text) FROM notifications_notification WHERE id > %s AND id <= %s AND data IS NOT NULL
"""


class Names:
    """The names of objects, by `content type:object id`. Each object is loaded once, with others."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def between(self, after: int, through: int) -> dict[str, str]:
        """Return the names that rows of these ids need. One whose object is gone is empty."""
        with connection.cursor() as sql:
            sql.execute(_PAIRS, [after, through] * 3)
            pairs = {(type_id, text) for type_id, text in sql.fetchall() if type_id is not None and text is not None}
        if len(self._known) > MOST_NAMES:
            self._known.clear()
        wanted = defaultdict(list)
        for type_id, text in pairs:
            if f"{type_id}:{text}" not in self._known:
                wanted[type_id].append(text)
        for type_id, texts in wanted.items():
            names = _names_of(type_id, texts)
            self._known |= {f"{type_id}:{text}": names.get(text, "") for text in texts}
        return {key: self._known[key] for type_id, text in pairs if self._known[key := f"{type_id}:{text}"]}


def _names_of(type_id: int, texts: list[str]) -> dict[str, str]:
    model = _model_of(type_id)
    if model is None:
        return {}
    keys = dict(_keys(model, texts))
    try:
        found = from_primary(model._base_manager.all()).in_bulk(list(keys.values()))
    except DatabaseError:
        # The app may be installed without its table.
        return {}
    return {text: _name(found[key]) for text, key in keys.items() if key in found}


def _model_of(type_id: int) -> type[models.Model] | None:
    try:
        return ContentType.objects.get_for_id(type_id).model_class()
    except ContentType.DoesNotExist:
        return None


def _keys(model: type[models.Model], texts: list[str]) -> Iterator[tuple[str, Any]]:
    for text in texts:
        try:
            yield text, model._meta.pk.to_python(text)
        except ValidationError:
            # Not a key of this model, so there is no such object.
            continue


def _name(instance: models.Model) -> str:
    try:
        return storable(str(instance), MAX_NAME)
    except Exception:  # noqa: BLE001 -- a host's code may raise anything, and the row is imported all the same
        return ""


@dataclass(frozen=True, slots=True)
class DataValues:
    """The links and replacements in the data of some rows, by the text of their id."""

    links: dict[str, str]
    replaced: dict[str, str | None]
    """Data that is no storable JSON object, as the object to store instead. None: there is no data."""


def data_between(after: int, through: int) -> DataValues:
    found = DataValues({}, {})
    with connection.cursor() as sql:
        sql.execute(_DATA, [after, through])
        for pk, text in sql.fetchall():
            data = _object_of(text)
            if data is None:
                found.replaced[str(pk)] = _replaced(text)
            elif link := _link(data):
                found.links[str(pk)] = link
    return found


def _object_of(text: str) -> dict[str, Any] | None:
    """Return the JSON object that the text is, or None if it is none that every database stores."""
    try:
        data = _loads(text)
        as_json(data)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _replaced(text: str) -> str | None:
    """Return an object in place of other data: one encoded twice, or the value under the key `data`."""
    try:
        value = _loads(text)
        as_json(value)
    except (ValueError, RecursionError):
        value = storable(text, len(text))
    inner = _object_of(value) if isinstance(value, str) else None
    if inner is not None:
        return as_json(inner)
    return as_json({"data": value}) if value not in (None, "") else None


def _loads(text: str) -> Any:
    return json.loads(text, parse_float=_storable_float)


def _storable_float(text: str) -> float:
    """Return the number. Raise `ValueError` if it has more decimal places than PostgreSQL stores."""
    exponent = Decimal(text).as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MOST_DECIMAL_PLACES:
        raise ValueError("it has too many decimal places")
    return float(text)


def _link(data: dict[str, Any]) -> str:
    try:
        return own_path(str(data.get("url", "")), hub_settings.site_url)
    except ValueError:
        return ""
