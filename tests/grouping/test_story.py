"""Random stories of grouped notifications, beside a model that keeps plain lists.

`make exhaustive` has six stories, and bin/test one.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest

from accounts.models import User
from notifications_hub import Kind
from notifications_hub.inbox import marks
from notifications_hub.inbox.marks import Mark
from notifications_hub.inbox.queries import InboxPage, counts, items, place_of
from notifications_hub.notification import Notification
from tests.inbox.support import send_one
from tests.support.full import FULL

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

KEYS = ("post-1", "post-2", None)


class StoryReply(Kind):
    name = "tests.story_reply"


@dataclass(frozen=True)
class Row:
    """A notification as the model knows it."""

    id: str
    key: str | None
    unread: bool = True
    archived: bool = False

    @property
    def waits(self) -> bool:
        return self.unread and not self.archived and self.key is not None


class Model:
    def __init__(self) -> None:
        self.rows: list[Row] = []

    def change(self, row: Row, *, group: bool, **state: Any) -> None:
        """Change a row, and with `group` the older ones that wait in its group."""
        at = self.rows.index(row)
        for number, one in enumerate(self.rows[: at + 1]):
            if one is row or (group and row.waits and one.waits and one.key == row.key):
                self.rows[number] = replace(one, **state)

    def listed(self, *, unread: bool) -> list[tuple[str, int]]:
        """Return the ids of a list, newest first, each with the number that it stands for."""
        sizes = Counter(row.key for row in self.rows if row.waits)
        seen: set[str | None] = set()
        found = []
        for row in reversed(self.rows):
            if row.archived or (unread and not row.unread) or (row.waits and row.key in seen):
                continue
            if row.waits:
                seen.add(row.key)
            found.append((row.id, sizes[row.key] if row.waits else 1))
        return found


def listed(person: User, *, unread: bool | None) -> list[tuple[str, int]]:
    """Return a whole list, page by page, and check that it is the same upwards."""
    found, place = [], None
    while True:
        page = items(person, unread=unread, limit=3, place=place)
        found += shown(page)
        if page.next is None:
            break
        place = place_of(person, before=page.next)
    upwards: list[tuple[str, int]] = []
    while page.previous is not None:
        upwards = shown(page) + upwards
        page = items(person, unread=unread, limit=3, place=place_of(person, after=page.previous))
    if upwards:
        assert shown(page) + upwards == found
    return found


def shown(page: InboxPage) -> list[tuple[str, int]]:
    return [(item.message.id, (item.group or {}).get("count", 1)) for item in page.items]


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.faults(short=True)
@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(6 if FULL else 1))
def test_lists_are_those_of_the_model_after_each_step(seed: int, alice: User, bob: User, charlie: User) -> None:
    chance, model = random.Random(seed), Model()
    for _ in range(60):
        step(chance, model, alice, [bob, charlie])
        for unread in (False, True):
            assert listed(alice, unread=unread or None) == model.listed(unread=unread)
        assert counts(alice).unread == sum(row.unread and not row.archived for row in model.rows)


def step(chance: random.Random, model: Model, person: User, others: list[User]) -> None:
    if not model.rows or chance.random() < 0.5:
        key, actor = chance.choice(KEYS), chance.choice(others)
        sent = send_one(person, actor, kind=StoryReply.name, group_key=key)
        model.rows.append(Row(sent.item_id, key))
        return
    row, group = chance.choice(model.rows), chance.random() < 0.5
    action = chance.choice([Mark.READ, Mark.UNREAD, Mark.ARCHIVE, Mark.UNARCHIVE, None])
    if action is None:
        Notification.objects.get(pk=int(row.id)).delete()
        model.rows.remove(row)
        return
    done = marks.mark(person, action, [row.id], groups=group)
    before = list(model.rows)
    state = {
        Mark.READ: {"unread": False},
        Mark.UNREAD: {"unread": True},
        Mark.ARCHIVE: {"archived": True},
        Mark.UNARCHIVE: {"archived": False},
    }[action]
    model.change(row, group=group and action in (Mark.READ, Mark.ARCHIVE), **state)
    assert done.changed == sum(old != new for old, new in zip(before, model.rows, strict=True))
    if done.undo and chance.random() < 0.3:
        assert marks.undo(person, done.undo) == done.changed
        model.rows = before
