"""The followers of a thing as the recipient of `notify.send`, read a thousand at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models

from notifications_hub.database.primary import from_primary
from notifications_hub.following.followed import Followed, declaration_of
from notifications_hub.following.models import Follow, FollowQuerySet

CHUNK = 1000


class Followers:
    """The people who follow a row and hear of it now. Iterate it for the people, or ask `count()`."""

    def __init__(self, obj: models.Model, except_: Iterable[Any]) -> None:
        self.followed = Followed.of(obj)
        self._obj = obj
        self._except = frozenset(person.pk for person in except_)

    def __iter__(self) -> Iterator[Any]:
        return (person for people, _reasons in self.chunks() for person in people)

    def __repr__(self) -> str:
        return f"<followers of {self._obj!r}>"

    def count(self) -> int:
        return self._rows(datetime.now(UTC)).exclude(person__in=self._except).count()

    def chunks(self, *, without: object = None) -> Iterator[tuple[list[Any], dict[Any, str]]]:
        """Yield people in the order of their keys, with reasons by key, without the actor and inactive people.

        Each chunk is two queries of its own, from the last key on. So a long send holds no cursor open and no list.
        """
        rows = self._rows(datetime.now(UTC)).order_by("person").values_list("person", "reason")
        last: Any = None
        while reasons := dict((rows if last is None else rows.filter(person__gt=last))[:CHUNK]):
            last = next(reversed(reasons))
            found = _everybody().in_bulk(reasons.keys() - self._except)
            people = [found[key] for key in reasons if key in found]
            if wanted := [person for person in people if person.is_active and person != without]:
                yield wanted, reasons
            if len(reasons) < CHUNK:
                return

    def _rows(self, now: datetime) -> FollowQuerySet:
        rows = Follow.objects.about(self.followed).heard(now)
        declared = declaration_of(type(self._obj))
        if declared is None or declared.visible_to is None:
            return rows
        people = declared.visible_to(_everybody(), self._obj)
        return rows.filter(person__in=people.values("pk"))


def _everybody() -> models.QuerySet[Any]:
    return from_primary(get_user_model()._default_manager.all())


def followers_of(obj: models.Model, *, except_: Any = ()) -> Followers:
    """Return the followers of a row, for `notify.send(recipient=followers_of(post))`.

    Left out are the actor, inactive people, those who muted it, those whom `visible_to` leaves out, and `except_`: a
    person or several, such as those who get a mention of their own. Raise `NotFollowable`.
    """
    return Followers(obj, [except_] if isinstance(except_, models.Model) else except_)
