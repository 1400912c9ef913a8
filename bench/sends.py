"""The part of the sending measure that needs Django: `python -m bench.sends TASK '{"argument": …}'` prints figures.

Each notification goes once through `notify.send`, and once through the package's own handler, which only inserts rows.
The two take turns, so that they share the machine's other load.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402
from notifications.base.models import notify_handler  # type: ignore[attr-defined]  # noqa: E402
from notifications.signals import notify  # noqa: E402

from notifications_hub.delivery.models import Delivery  # noqa: E402
from notifications_hub.live.channel_layer import background_layer  # noqa: E402
from notifications_hub.streams import Event  # noqa: E402
from notifications_hub.streams.numberer import numberer  # noqa: E402
from notifications_hub.transports.web_push.subscriptions import PushSubscription  # noqa: E402

GIVEN: dict[str, Any] = {"description": "I agree, and then some.", "url": "/posts/9/", "kind": "comment.reply"}
MB = 2**20

Way = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Turn:
    """Milliseconds a call: of the caller's time, of the process's time with all its threads, and until all is done."""

    wall: float
    cpu: float
    done: float


def compare(count: int, turns: int, calls: int, crowds: int) -> dict[str, dict[str, float]]:
    """Notify one person `calls` times a turn, and then `count` people at once, `crowds` times."""
    people = _people(count)
    return {
        "one": _compare(lambda number: people[number % count], turns, calls),
        "many": _compare(lambda _number: people, crowds, 1) | _memory(people),
    }


def to_pages(pks: Sequence[int], count: int) -> dict[str, float]:
    """Notify `count` people at once, among them those of `pks`. Return the moments before the call and after it."""
    people = [*get_user_model().objects.filter(pk__in=pks), *_people(count - len(pks))]
    began = time.monotonic_ns()
    notify.send(people[0], recipient=people, verb="measured", t=began)
    sent = time.monotonic_ns()
    _finish()
    return {"began": began, "sent": sent}


def _people(count: int) -> list[Any]:
    """Create people, each with a browser, so that each notification plans a delivery."""
    model = get_user_model()
    group = secrets.token_hex(4)
    people = model.objects.bulk_create([model(username=f"sent{group}{number}") for number in range(count)])
    PushSubscription.objects.bulk_create(
        PushSubscription(
            owner=person, endpoint=f"https://push.example/{person.pk}", endpoint_hash=person.pk, p256dh="p", auth="a"
        )
        for person in people
    )
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
    return people


def _compare(recipient: Callable[[int], Any], turns: int, calls: int) -> dict[str, float]:
    for way in (_theirs, _ours):  # opens connections, imports modules and makes the streams of `recipient(0)`
        _turn(way, recipient, 1)
    rounds = [(_turn(_theirs, recipient, calls), _turn(_ours, recipient, calls)) for _ in range(turns)]
    figures = {
        f"{whose}_{name}": median(getattr(pair[side], name) for pair in rounds)
        for side, whose in enumerate(("theirs", "ours"))
        for name in ("wall", "cpu", "done")
    }
    for name in ("wall", "cpu"):
        figures[f"{name}_share"] = median(getattr(ours, name) / getattr(theirs, name) for theirs, ours in rounds)
    assert not Event.objects.filter(seq=None).exists()
    assert Delivery.objects.exists()
    return figures


def _turn(way: Way, recipient: Callable[[int], Any], calls: int) -> Turn:
    _finish()
    began, began_cpu = time.perf_counter(), time.process_time()
    for number in range(calls):
        way(recipient(number))
    wall = time.perf_counter() - began
    _finish()
    cpu, done = time.process_time() - began_cpu, time.perf_counter() - began
    return Turn(*(seconds / calls * 1000 for seconds in (wall, cpu, done)))


def _memory(people: list[Any]) -> dict[str, float]:
    """Return the peak of Python's allocations during one call, with the notifications that it returns."""
    peaks = {}
    for name, way in (("theirs_peak_mb", _theirs), ("ours_peak_mb", _ours)):
        tracemalloc.start()
        way(people)
        peaks[name] = tracemalloc.get_traced_memory()[1] / MB
        tracemalloc.stop()
    return peaks


def _ours(recipient: Any) -> None:
    notify.send(_actor(), recipient=recipient, verb="replied", **GIVEN)


def _theirs(recipient: Any) -> None:
    notify_handler("replied", sender=_actor(), recipient=recipient, **GIVEN)


@cache
def _actor() -> Any:
    return get_user_model().objects.create(username="actor")


def _finish() -> None:
    """Wait for the numbers, the hints and the pushes that are brought forward."""
    assert numberer.finish(120)
    if layer := background_layer():
        layer.finish()


TASKS: dict[str, Callable[..., object]] = {"compare": compare, "to_pages": to_pages}

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](**json.loads(sys.argv[2]))))
