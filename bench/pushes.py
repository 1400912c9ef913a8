"""The part of the pushing measure that needs Django: `python -m bench.pushes '{"argument": …}'` prints figures."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Sequence
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
from notifications_hub.delivery.worker import Worker, freeze_existing_objects  # noqa: E402
from notifications_hub.transports.web_push.subscriptions import PushSubscription, register  # noqa: E402
from notifications_hub.transports.web_push.vapid import from_b64url  # noqa: E402


def measure(subscriptions: Sequence[dict[str, Any]], count: int) -> dict[str, float]:
    """Plan deliveries, send them by one worker, and measure from the first claim to the last record."""
    people = _people(subscriptions)
    freeze_existing_objects()  # as `hub_worker` does
    worker = Worker()
    _plan(people, len(people))
    worker.run_due()  # opens connections and imports modules
    _plan(people, count)
    before = _memory_mb()
    began, began_cpu = time.monotonic(), time.process_time()
    sent = worker.run_due()
    seconds, cpu = time.monotonic() - began, time.process_time() - began_cpu
    worker.close()
    assert not Delivery.objects.exclude(state=DeliveryState.SENT).exists()
    return {
        "per_second": sent / seconds,
        "cpu_ms": cpu / sent * 1000,
        "encryption_ms": _encryption_ms(),
        "grown_mb": _memory_mb() - before,
    }


def _people(subscriptions: Sequence[dict[str, Any]]) -> list[Any]:
    model = get_user_model()
    people = model.objects.bulk_create([model(username=f"pushed{number}") for number in range(len(subscriptions))])
    for person, subscription in zip(people, subscriptions, strict=True):
        register(person, subscription, "")
    return people


def _plan(people: list[Any], count: int) -> None:
    with transaction.atomic():
        for _ in range(count // len(people)):
            notify.send(people[0], recipient=people, verb="replied", description="I agree, and then some.", url="/")
    Delivery.objects.filter(state=DeliveryState.WAITING).update(due_at=Now())


def _encryption_ms() -> float:
    """Return the time to encrypt one push, which is the least that any sender needs."""
    browser, plain, times = PushSubscription.objects.all()[0], os.urandom(300), 1000
    began = time.process_time()
    for _ in range(times):
        http_ece.encrypt(
            plain,
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=from_b64url(browser.p256dh),
            auth_secret=from_b64url(browser.auth),
        )
    return (time.process_time() - began) / times * 1000


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
