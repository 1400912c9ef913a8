"""The parts of the pushing measure that need Django: `python -m bench.pushes TASK '{"argument": …}'` prints figures."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import django

django.setup()

import http_ece  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.db import transaction  # noqa: E402
from django.db.models.functions import Now  # noqa: E402
from notifications.signals import notify  # noqa: E402

from notifications_hub.delivery.models import Delivery, DeliveryState  # noqa: E402
from notifications_hub.delivery.worker import Worker, dedicate_process  # noqa: E402
from notifications_hub.streams.numberer import numberer  # noqa: E402
from notifications_hub.transports.web_push.subscriptions import PushSubscription, register  # noqa: E402
from notifications_hub.transports.web_push.vapid import from_b64url  # noqa: E402

_NAMES = "pushed"


def plan(subscriptions: Sequence[dict[str, Any]], count: int) -> None:
    """Plan `count` deliveries, due now, to the people of these browsers."""
    people = _people(subscriptions)
    with transaction.atomic():
        for _ in range(count // len(people)):
            notify.send(people[0], recipient=people, verb="replied", description="I agree, and then some.", url="/")
    # Its thread puts the deliveries of a long transaction off.
    assert numberer.finish(120)
    Delivery.objects.filter(state=DeliveryState.WAITING).update(due_at=Now())


def work() -> None:
    """Be a worker process: after each line of the input, send all that is due and print how it went."""
    dedicate_process()  # as `hub_worker` does
    worker = Worker()
    for _line in sys.stdin:
        before, began, began_cpu = _memory_mb(), time.monotonic(), time.process_time()
        sent = worker.run_due()
        seconds, cpu = time.monotonic() - began, time.process_time() - began_cpu
        grown = _memory_mb() - before
        print(json.dumps({"sent": sent, "seconds": seconds, "cpu": cpu, "grown_mb": grown}), flush=True)
    worker.close()


def encryption_ms() -> float:
    """Return the time to encrypt one push, which is the least that any sender needs. Check that all were sent."""
    assert not Delivery.objects.exclude(state=DeliveryState.SENT).exists()
    browser = PushSubscription.objects.filter(owner__username__startswith=_NAMES)[0]
    plain, times = os.urandom(300), 1000
    began = time.process_time()
    for _ in range(times):
        http_ece.encrypt(
            plain,
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=from_b64url(browser.p256dh),
            auth_secret=from_b64url(browser.auth),
        )
    return (time.process_time() - began) / times * 1000


def _people(subscriptions: Sequence[dict[str, Any]]) -> list[Any]:
    model = get_user_model()
    known = list(model.objects.filter(username__startswith=_NAMES))
    if known:
        return known
    # Other measures leave deliveries that their stage never sends.
    Delivery.objects.all().delete()
    people = model.objects.bulk_create([model(username=f"{_NAMES}{number}") for number in range(len(subscriptions))])
    for person, subscription in zip(people, subscriptions, strict=True):
        register(person, subscription, "")
    return people


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


TASKS: dict[str, Callable[..., object]] = {task.__name__: task for task in (plan, work, encryption_ms)}

if __name__ == "__main__":
    result = TASKS[sys.argv[1]](**json.loads(sys.argv[2]))
    if result is not None:
        print(json.dumps(result))
