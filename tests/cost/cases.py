"""One list of everything that asks the database: pages, API routes, background work, and the admin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any
from unittest.mock import patch

from django.contrib import admin
from django.template import engines
from django.urls import reverse
from django.utils import timezone
from notifications.signals import notify

from notifications_hub import flash_claim, follow, followers_of, publish, streams
from notifications_hub.delivery import acknowledgement, arming
from notifications_hub.delivery.claiming import claim_due
from notifications_hub.following.follows import followed_among
from notifications_hub.inbox import queries
from notifications_hub.inbox_summary import summary_of
from notifications_hub.live import fanout, revocation
from notifications_hub.live.session import check_many
from notifications_hub.live.start_cursor import start_cursor
from notifications_hub.models import KindUse, Notification
from notifications_hub.ops import retention
from notifications_hub.streams import sweeper
from notifications_hub.streams.cursor import Position
from showcase.models import Post
from tests.cost.loading import EPOCH, ROOM, YEAR
from tests.cost.requests import PAGES, ROUTES, Act
from tests.cost.world import Case, Limits, World

LISTED = Limits(buffers=10_000, rows=11_000)
"""An admin list, filter or order may read each of the newest 10,000 rows."""
HUNDRED = Limits(buffers=600)
"""A claim, and a count that stops, each go through a hundred rows, with a few buffers each."""
TABS = Limits(buffers=650)
"""The numbers of all tabs are counted among the newest 500 unread notifications, each on a page of its own here."""
FIGURES = Limits(buffers=3_000)
"""A page may read the figures of its period: some for each day, kind and delivery method."""
QUEUE = Limits(buffers=15_000)
"""The metrics read every delivery that waits, each of which is on a page of its own here."""
APP = "notifications_hub"


def cases() -> list[Case]:
    return [*_requests(), *_work(), *_chores(), *_admin(), *_flash()]


def _requests() -> Iterator[Case]:
    for kind, table in (("page", PAGES), ("API", ROUTES)):
        for name, acts in table.items():
            limits = {"metrics": QUEUE, "inbox": TABS, "GET notifications/tabs/": TABS}.get(name, Limits())
            yield from (Case(f"{kind} {name} {number}", act, limits) for number, act in enumerate(acts, 1))


def _work() -> Iterator[Case]:
    for name, act in WORK.items():
        yield Case(name, act)


def _notify(world: World) -> None:
    notify.send(world.quiet, recipient=world.person, verb="replied", kind="comment.reply")
    streams.number([world.topic])


def _publish(world: World) -> None:
    publish(ROOM, "chat.said", {"text": "Hello"})
    streams.number([ROOM])


def _read_a_page(world: World) -> None:
    streams.read({world.topic: Position(EPOCH, 0, 0), ROOM: Position(EPOCH, 0, 0)})


def _look(_world: World) -> None:
    """Look for changes, as each hub does each second."""
    mark = streams.changes_since(None).mark
    publish(ROOM, "chat.said", {"text": "Hello"})
    streams.number([ROOM])
    changes = streams.changes_since(mark)
    assert changes.is_complete
    assert set(changes.tops) == {ROOM}


def _compare(world: World) -> None:
    """Compare topics with their positions, as each hub does with a few each second."""
    each, more = divmod(world.size.of_others, world.size.people - 1)
    tops = {f"inbox.{number}": each + (number - 2 < more) for number in range(2, 2 + fanout._TOPICS_IN_TURN)}
    assert not streams.moved({topic: Position(EPOCH, top, top) for topic, top in tops.items()})


def _claim_flash(world: World) -> None:
    claim = flash_claim.claim_waiting(world.person, summary_of(world.person))
    assert len(claim.ids) == flash_claim.MOST
    flash_claim.confirm(claim)


def _prune(world: World) -> None:
    """Prune what a hundredth of the year left, which is old events of nearly all topics."""
    age = timedelta(seconds=YEAR) - timedelta(seconds=YEAR / 100)
    assert retention.prune(timezone.now() - age).events


def _delete_followed(world: World) -> None:
    last = Post.objects.create(author=world.quiet, title="Last", body="Nobody else follows it.")
    last.delete()


def _revocations(world: World) -> None:
    revocation.revoke(world.person)
    revocation.forget_old()


WORK: Mapping[str, Act] = {
    "count": lambda world: queries.counts(world.person),
    "acknowledge ten events": lambda world: acknowledgement.acknowledge(world.person.pk, {world.topic: world.behind}),
    "cursor of an inbox": lambda world: start_cursor(world.person, ["inbox"]),
    "sessions: check one": lambda world: check_many([world.client.session.session_key or ""]),
    "notify one person, and number the event": _notify,
    "publish to a long topic, and number the event": _publish,
    "read two long topics from their beginning": _read_a_page,
    "look for changes": _look,
    "compare a few topics": _compare,
    "deliveries: claim those that are due": lambda _world: claim_due(),
    "deliveries: bring forward": lambda world: arming.bring_forward([world.row().pk]),
    "delete a notification": lambda world: Notification.objects.filter(pk=world.row().pk).delete(),
    "revocations: write and forget": _revocations,
    "followers: read two thousand": lambda world: list(islice(followers_of(world.post).chunks(), 2)),
    "followed of twenty things": lambda world: followed_among(world.person, world.things),
    "follow automatically": lambda world: follow(world.quiet, world.post, reason="commenter", automatic=True),
    "delete a followed thing": _delete_followed,
    "prune": _prune,
    "prune: count": lambda _world: retention.prunable(timezone.now() - timedelta(days=360)),
}


def _flash() -> Iterator[Case]:
    yield Case("flash: claim and confirm", _claim_flash, HUNDRED)
    yield Case("page of a site, with bell and flash", lambda world: world.flashed.get("/"), HUNDRED)


def _chores() -> Iterator[Case]:
    """Yield what the sweeper does each second, or every few."""
    for chore in (*sweeper._chores, *sweeper._patient):
        yield Case(f"sweep: {chore.__name__}", _running(chore))


def _running(chore: Callable[[], object]) -> Act:
    return lambda _world: chore()


# The admin


def _admin() -> Iterator[Case]:
    for model, shown in sorted(admin.site._registry.items(), key=lambda item: item[0].__name__):
        if model._meta.app_label == APP and model is not KindUse:
            yield from _lists(model._meta.model_name or "", shown)
    results = reverse(f"admin:{APP}_announcement_results", args=[1])
    for query in ("", "?piece", "?file"):
        yield Case(f"admin announcement: results {query}", partial(_results, f"{results}{query}"))
    use = reverse(f"admin:{APP}_kinduse_changelist")
    for query in ("", "?days=365", "?days=365&of=kind:comment.reply", "?file"):
        yield Case(f"admin use {query}", partial(_results, f"{use}{query}"), FIGURES)


def _results(path: str, world: World) -> None:
    assert world.admin.get(path).status_code == 200


SEARCHES = {"stream": "inbox.1", "announcement": "Announcement 1"}
"""Texts to search for. Other lists are searched by a person's sign-in name."""


def _lists(name: str, shown: Any) -> Iterator[Case]:
    """Yield the cases of a list. Filters and orders read its rows as it does, but their pages are left empty."""
    path = reverse(f"admin:{APP}_{name}_changelist")
    search = SEARCHES.get(name, "person1")

    def filters(world: World) -> None:
        with _left_empty(shown):
            found = _list(world, path)
            for spec in found.filter_specs:
                chosen = [choice["query_string"] for choice in spec.choices(found)]
                for query in [*chosen, f"{chosen[-1]}&q={search}"]:
                    len(_list(world, f"{path}{query}").result_list)

    def orders(world: World) -> None:
        with _left_empty(shown):
            for column in range(len(_list(world, path).list_display)):
                len(_list(world, f"{path}?o={column}").result_list)

    def change(world: World) -> None:
        first = _list(world, path).result_list[0]
        _page(world, reverse(f"admin:{APP}_{name}_change", args=[first.pk]))

    yield Case(f"admin {name}: list", lambda world: _list(world, path), LISTED)
    yield Case(f"admin {name}: second page", lambda world: _list(world, f"{path}?p=2"), LISTED)
    yield Case(f"admin {name}: search", lambda world: _list(world, f"{path}?q={search}"), LISTED)
    yield Case(f"admin {name}: filters", filters, LISTED)
    yield Case(f"admin {name}: orders", orders, LISTED)
    yield Case(f"admin {name}: one row", change, LISTED)


def _left_empty(shown: Any) -> Any:
    """Patch the admin's list to be an empty page: to write a hundred rows takes longer than to read them."""
    return patch.object(shown, "change_list_template", engines["django"].from_string(""))


def _list(world: World, path: str) -> Any:
    return _page(world, path).context["cl"]


def _page(world: World, path: str) -> Any:
    answer = world.admin.get(path)
    assert answer.status_code in (200, 302), (path, answer.status_code)
    return answer if answer.status_code == 200 else world.admin.get(path, follow=True)
