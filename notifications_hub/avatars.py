"""Pictures of actors, by the setting `AVATAR`. Without it, nothing here asks the database anything."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, prefetch_related_objects

from notifications_hub.conf import hub_settings
from notifications_hub.web.outside_links import read_link

log = logging.getLogger(__name__)

_Key = tuple[int, str]
"""The content type and the primary key of an actor, as a notification stores them."""
_logged: set[type[Exception]] = set()


def avatar_of(actor: object) -> str:
    """Return the address of an actor's picture, or an empty text. Only rows have pictures.

    A fault of the host's callable is logged once a process.
    """
    find = hub_settings.avatar
    if find is None or not isinstance(actor, Model):
        return ""
    try:
        return read_link(str(find(actor) or ""), hub_settings.site_url).url
    except Exception as error:  # noqa: BLE001 -- a host's code may raise anything, and the kind's icon is good enough
        _log_once(error)
        return ""


def load_avatars(rows: Iterable[Any]) -> None:
    """Set `avatar` of these notifications: a query for each model of actors, and a call for each actor."""
    if hub_settings.avatar is None:
        return
    by_actor: dict[_Key, list[Any]] = defaultdict(list)
    for row in rows:
        if row.actor_content_type_id is not None and row.actor_object_id:
            by_actor[row.actor_content_type_id, row.actor_object_id].append(row)
    for key, actor in _actors(by_actor).items():
        avatar = avatar_of(actor)
        for row in by_actor.get(key, ()):
            row.avatar = avatar


def _actors(keys: Iterable[_Key]) -> Mapping[_Key, Model]:
    ids: dict[int, list[str]] = defaultdict(list)
    for content_type, pk in keys:
        ids[content_type].append(pk)
    return {(which, str(actor.pk)): actor for which, pks in ids.items() for actor in _of_model(which, pks)}


def _of_model(content_type: int, pks: Sequence[str]) -> Sequence[Model]:
    model = ContentType.objects.get_for_id(content_type).model_class()
    if model is None:
        return ()
    try:
        actors = list(model._base_manager.filter(pk__in=pks))
        prefetch_related_objects(actors, *getattr(hub_settings.avatar, "prefetch", {}).get(model._meta.label, ()))
    except (ValueError, AttributeError) as error:
        # A stored key that the model's own has no form of, or a relation that it does not have.
        _log_once(error)
        return ()
    return actors


def _log_once(error: Exception) -> None:
    # Every page shows the same people again, so logging each time would flood the log.
    if type(error) not in _logged:
        _logged.add(type(error))
        log.error("AVATAR failed, so the icon of the kind is shown. This is logged once", exc_info=error)


def forget_logged_errors() -> None:
    """Log each error once more. For tests."""
    _logged.clear()
