"""The things that a person follows, as their page and the API list them."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from notifications_hub.database.primary import from_primary
from notifications_hub.following.followed import Followable, Followed
from notifications_hub.following.follows import Standing
from notifications_hub.following.models import Follow
from notifications_hub.following.reasons import label_of
from notifications_hub.web.text import balanced

PAGE = 20
T = TypeVar("T")

log = logging.getLogger(__name__)


class BadPage(ValueError):
    """Raised for a `before` that no page gave."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A row as it may be shown to a person. Without a right to see it, it has no name and no link."""

    kind: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class FollowedThing:
    followed: Followed
    thing: Thing
    standing: Standing
    since: datetime

    @property
    def name_id(self) -> str:
        """Return the id of its name on a page. A key may have spaces, which would divide a list of ids."""
        return f"followed-{self.followed.content_type_id}-{self.followed.key.encode().hex()}"

    @property
    def reason(self) -> str:
        return label_of(self.standing.reason)


@dataclass(frozen=True, slots=True)
class FollowingPage:
    """A page of things, the latest first. `next` is the `before` of the following page, or None on the last."""

    things: list[FollowedThing]
    next: str | None


def page_of(person: Any, before: str = "") -> FollowingPage:
    """Return a page of what a person follows. Raise `BadPage` if `before` is invalid."""
    rows = Follow.objects.filter(person=person).active().order_by("-pk")
    if before:
        if not (before.isascii() and before.isdigit() and len(before) < 19):
            raise BadPage("`before` must be the `next` of an earlier page.")
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: PAGE + 1])
    shown = found[:PAGE]
    objects = _objects([row.followed for row in shown])
    things = [
        FollowedThing(row.followed, thing_for(person, row.followed, objects), Standing.of(row), row.since)
        for row in shown
    ]
    return FollowingPage(things, str(shown[-1].pk) if len(found) > PAGE else None)


def thing_named(person: Any, followed: Followed) -> Thing:
    """Return one thing as the person may see it."""
    return thing_for(person, followed, _objects([followed]))


def thing_for(person: Any, followed: Followed, objects: dict[Followed, models.Model]) -> Thing:
    obj, declared = objects.get(followed), followed.declaration
    if obj is None or declared is None or not declared.allows(person, obj):
        return Thing("", _("Something that you can't see any more"), "")
    kind = capfirst(str(declared.model._meta.verbose_name))
    return Thing(
        kind, _safely(lambda: balanced(str(declared.name(obj))), kind), _safely(lambda: declared.link(obj), "")
    )


def _objects(keys: Iterable[Followed]) -> dict[Followed, models.Model]:
    """Load the rows, with a query for each model."""
    of_type: dict[int, list[Followed]] = defaultdict(list)
    for one in keys:
        of_type[one.content_type_id].append(one)
    found: dict[Followed, models.Model] = {}
    for its in of_type.values():
        if declared := its[0].declaration:
            found |= _rows_of(declared, its)
    return found


def _rows_of(declared: Followable, keys: Iterable[Followed]) -> dict[Followed, models.Model]:
    by_key = {}
    for one in keys:
        try:
            by_key[declared.model._meta.pk.to_python(one.key)] = one
        except ValidationError:
            continue
    rows = from_primary(declared.model._base_manager.filter(pk__in=by_key))
    return {by_key[row.pk]: row for row in rows}


def _safely(read: Callable[[], T], plain: T) -> T:
    try:
        return read()
    except Exception:
        log.exception("A followed thing could not be shown, so a plain text is")
        return plain
