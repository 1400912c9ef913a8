"""The parts of the rollout measure with Django: `python -m bench.announced TASK '{"argument": …}'` prints figures."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db.models.functions import Now  # noqa: E402
from notifications.signals import notify  # noqa: E402

from notifications_hub import broadcast  # noqa: E402
from notifications_hub.announcements.announce import withdraw  # noqa: E402
from notifications_hub.announcements.models import Announcement  # noqa: E402
from notifications_hub.announcements.rollouts.models import Rollout  # noqa: E402
from notifications_hub.delivery.models import Delivery, DeliveryState  # noqa: E402
from notifications_hub.delivery.worker import Worker, dedicate_process  # noqa: E402
from notifications_hub.notification import Notification  # noqa: E402
from notifications_hub.streams.numberer import numberer  # noqa: E402
from notifications_hub.transports.web_push.subscriptions import PushSubscription, register  # noqa: E402

_NAMES = "announced"
_CHUNK = 5000
_CALLS = 7


def load(subscription: Mapping[str, Any], host: str, first: int, count: int) -> None:
    """Add people, each with a browser of the push service at `host`. All browsers share their keys."""
    model = get_user_model()
    kept = PushSubscription.objects.first() or register(model.objects.create(username="browser"), subscription, "")
    for begin in range(first, first + count, _CHUNK):
        numbers = range(begin, min(begin + _CHUNK, first + count))
        people = model.objects.bulk_create([model(username=f"{_NAMES}{number}") for number in numbers])
        PushSubscription.objects.bulk_create([_browser(kept, person, f"{host}/push/a{person.pk}") for person in people])


def add_people(count: int) -> None:
    """Add people without a browser."""
    model = get_user_model()
    for begin in range(0, count, _CHUNK):
        model.objects.bulk_create(
            [model(username=f"away{begin + number}") for number in range(min(_CHUNK, count - begin))]
        )


def call(count: int = _CALLS) -> dict[str, float]:
    """Return the time of a call, in milliseconds: the middle one, and the longest. Each is withdrawn at once."""
    spans = []
    for number in range(count + 1):
        began = time.monotonic()
        announcement = broadcast(title=f"Maintenance {number}", body="On Sunday. " * 20, url="/")
        spans.append((time.monotonic() - began) * 1000)
        withdraw(announcement)
    # The first call imports and connects.
    spans = sorted(spans[1:])
    return {"middle": spans[len(spans) // 2], "longest": spans[-1]}


def show() -> int:
    """Announce to open pages, as a process that has run for a while. Return the moment before it, in nanoseconds."""
    withdraw(broadcast(title="Before"))
    time.sleep(2)
    began = time.monotonic_ns()
    broadcast(title="Maintenance", body="On Sunday. " * 20, url="/")
    time.sleep(2)
    return began


def roll_out() -> int:
    """Announce by push, and return the primary key. Nothing older is left to send."""
    Rollout.objects.filter(finished_at=None).update(finished_at=Now())
    Delivery.objects.filter(state=DeliveryState.WAITING).delete()
    announcement = broadcast(title="Maintenance", body="On Sunday. " * 20, url="/", methods=["web_push"])
    assert numberer.finish(120)
    Announcement.objects.record_numbers()
    Rollout.objects.filter(announcement=announcement).update(starts_at=Now())
    return announcement.pk


def work() -> None:
    """Be a worker process: after each line, which names an announcement, send until its rollout is over."""
    dedicate_process()  # as `hub_worker` does
    worker = Worker()
    for line in sys.stdin:
        began, began_cpu, sent, after_some = time.monotonic(), time.process_time(), 0, 0.0
        while Rollout.objects.filter(announcement=int(line), finished_at=None).exists():
            until = time.monotonic() + 0.5
            while time.monotonic() < until:
                newly = worker.turn()
                sent += newly
                worker.pause(newly)
                if not newly and not worker.is_busy:
                    time.sleep(0.02)
            after_some = after_some or (_memory_mb() if sent > _CHUNK else 0.0)
        worker.finish()
        seconds, cpu = time.monotonic() - began, time.process_time() - began_cpu
        grown = _memory_mb() - after_some if after_some else 0.0
        print(json.dumps({"sent": sent, "seconds": seconds, "cpu": cpu, "grown_mb": grown}), flush=True)
    worker.close()


def others(pk: int, per_second: float) -> dict[str, float]:
    """Notify people while a rollout goes on. Return how long, in milliseconds, their pushes waited once due."""
    people = list(get_user_model().objects.filter(username__startswith=_NAMES).order_by("-pk")[:100])
    made: list[int] = []
    while not (ended := Rollout.objects.get(announcement=pk).finished_at):
        person = people[len(made) % len(people)]
        [(_receiver, rows)] = notify.send(person, recipient=person, verb="replied")
        made += [row.pk for row in rows or () if isinstance(row, Notification)]
        time.sleep(1 / per_second)
    # Due at once, in these settings. The workers stop with the rollout, and may leave the last ones.
    due = Delivery.objects.filter(notification__in=made, created__lt=ended)
    settled = due.filter(state=DeliveryState.SENT).values_list("created", "settled_at")
    waits = sorted((end - created).total_seconds() * 1000 for created, end in settled if end is not None)
    assert waits, "no push of another notification was due"
    assert len(waits) >= due.count() - per_second, f"only {len(waits)} of {due.count()} pushes of others were sent"
    return {"p50": waits[len(waits) // 2], "p99": waits[int(len(waits) * 0.99)]}


def is_right(pk: int) -> dict[str, int]:
    """Count what the rollout sent. Each browser must have it once."""
    rollout = Rollout.objects.get(announcement=pk)
    rows = Delivery.objects.filter(rollout=rollout)
    return {"sent": rollout.sent, "failed": rollout.failed, "addresses": rows.values("address").distinct().count()}


def _browser(kept: PushSubscription, person: Any, endpoint: str) -> PushSubscription:
    return PushSubscription(
        owner=person,
        endpoint=endpoint,
        endpoint_hash=sha256(endpoint.encode()).hexdigest(),
        p256dh=kept.p256dh,
        auth=kept.auth,
        key_fingerprint=kept.key_fingerprint,
        password_stamp="",
    )


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


TASKS: dict[str, Callable[..., object]] = {
    task.__name__: task for task in (load, add_people, call, show, roll_out, work, others, is_right)
}

if __name__ == "__main__":
    result = TASKS[sys.argv[1]](**json.loads(sys.argv[2]))
    if result is not None:
        print(json.dumps(result))
