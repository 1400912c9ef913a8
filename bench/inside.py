"""Tasks of the measures that need Django: `python -m bench.inside TASK '{"argument": …}'` prints the result as JSON.

Each runs in its own process beside the server, like a worker or another web process. `t` in an event's data is the
moment before it is written, on the clock that the load client reads.
"""

from __future__ import annotations

import json
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.contrib.sessions.models import Session  # noqa: E402
from django.db import connections, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402
from notifications.signals import notify  # noqa: E402

from bench import rates  # noqa: E402
from bench.log_costs import look, under_a_snapshot  # noqa: E402
from bench.storage import storage  # noqa: E402
from notifications_hub import publish, publish_many, streams  # noqa: E402

TOPIC = "everyone"


def people(count: int) -> list[tuple[int, str]]:
    """Create people, each with a session as if signed in. Return primary keys and session keys."""
    rows = get_user_model().objects.bulk_create(
        [get_user_model()(username=f"person{number}", password=make_password(None)) for number in range(count)]
    )
    ends = timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    store = SessionStore()
    sessions = [
        Session(session_key=secrets.token_hex(16), session_data=store.encode(_signed_in(person)), expire_date=ends)
        for person in rows
    ]
    Session.objects.bulk_create(sessions)
    return [(person.pk, session.session_key) for person, session in zip(rows, sessions, strict=True)]


def _signed_in(person: Any) -> dict[str, str]:
    return {
        SESSION_KEY: str(person.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[-1],
        HASH_SESSION_KEY: person.get_session_auth_hash(),
    }


def to_topic(count: int, per_second: float, batch: int = 1, threads: int = 4) -> dict[str, float]:
    """Publish on one topic, `batch` events a transaction, from several threads that share the pace."""

    def publish_batch(number: int) -> None:
        if batch == 1:
            publish(TOPIC, "tick", {"n": number, "t": time.monotonic_ns()})
        else:
            publish_many([(TOPIC, "tick", {"n": number, "t": time.monotonic_ns()}) for _ in range(batch)])

    _warm_up()
    began = time.monotonic()
    _together(publish_batch, count // batch, per_second / batch, threads)
    return {"per_second": count / (time.monotonic() - began)}


def to_inboxes(pks: Sequence[int], count: int, per_second: float, threads: int = 4) -> dict[str, float]:
    """Log an event a commit, to one person after the other, from several threads that share the pace."""

    def append(number: int) -> None:
        pk = pks[number % len(pks)]
        streams.append(streams.inbox_topic(pk), "tick", {"t": time.monotonic_ns()})

    _warm_up()
    began = time.monotonic()
    _together(append, count, per_second, threads)
    return {"per_second": count / (time.monotonic() - began)}


def notifications(pks: Sequence[int], per_second: float, threads: int = 2) -> list[tuple[int, int]]:
    """Notify these people in turn. Return the `t` of each event, and the moment after its transaction's commit."""
    people = get_user_model().objects.in_bulk(set(pks))
    actor = people[pks[0]]
    moments: list[tuple[int, int]] = []

    def notify_one(number: int) -> None:
        began = time.monotonic_ns()
        with transaction.atomic():
            # Registered before notify's own callbacks, so that the clock stops at the commit and not after numbering.
            transaction.on_commit(lambda: moments.append((began, time.monotonic_ns())))
            notify.send(actor, recipient=people[pks[number]], verb="measured", t=began)

    _warm_up()
    _together(notify_one, len(pks), per_second, threads)
    return moments


def rates_in_a_thread(turns: int) -> dict[str, float]:
    """Measure the rates in Django's own thread and connection, one call after the other."""

    async def call(way: Callable[[], None]) -> None:
        way()

    # Nothing in there awaits, so it ends at its first step, without an event loop, which would forbid the ORM.
    try:
        rates.compare(turns, call).send(None)
    except StopIteration as over:
        measured: dict[str, float] = over.value
    return measured


def _warm_up() -> None:
    """Connect to the database and to Redis before the measure, like a worker that has run for a while."""
    for _ in range(3):
        publish("bench", "tick", {})
        time.sleep(0.1)


def _together(act: Callable[[int], object], count: int, per_second: float, threads: int) -> None:
    def run(first: int) -> None:
        for number in _paced(range(first, count, threads), per_second / threads):
            act(number)
        connections.close_all()

    running = [threading.Thread(target=run, args=[first]) for first in range(threads)]
    for thread in running:
        thread.start()
        time.sleep(1 / per_second)
    for thread in running:
        thread.join()


def _paced(steps: int | range, per_second: float) -> Iterator[int]:
    """Yield the steps one at a time, each at its time. Late steps are yielded at once."""
    began = time.monotonic()
    for number, step in enumerate(range(steps) if isinstance(steps, int) else steps):
        wait = began + number / per_second - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        yield step


TASKS: dict[str, Callable[..., object]] = {
    task.__name__: task
    for task in (people, to_topic, to_inboxes, notifications, rates_in_a_thread, look, under_a_snapshot, storage)
}

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](**json.loads(sys.argv[2]))))
