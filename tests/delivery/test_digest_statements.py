"""A worker that is killed at each statement and at each line it sends to a mail server, while it sends a digest."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections import Counter, defaultdict

import pytest
from pytest_django import Settings

from accounts.models import User
from tests.support.full import FULL
from tests.support.processes import ROOT
from tests.support.site import site_environment
from tests.support.smtp import MailServer, mail_settings, text_of
from tests.support.together import database_url

EACH = 3
KILLED_AT_EACH_POINT = """
    import os, signal, smtplib, sys
    from contextlib import closing
    from datetime import UTC, datetime, timedelta
    import django
    django.setup()
    from django.contrib.auth import get_user_model
    from django.db import connection, connections
    from notifications.signals import notify
    from notifications_hub import Digest
    from notifications_hub.delivery.models import Delivery
    from notifications_hub.delivery.worker import Worker
    from notifications_hub.quiet_hours.digests import save_digests
    from notifications_hub.transports import get_transport

    # Imported here, so that no process below takes time for it.
    get_transport("email")
    step = int(sys.argv[1])
    alice = get_user_model().objects.get(username="alice")
    save_digests(alice, {"default": Digest.DAILY})
    send = smtplib.SMTP.send

    def work(point):
        "Let a worker send what is due in a process of its own, which is killed at a point. Return whether it was."
        waiting = Delivery.objects.filter(state="waiting")
        waiting.update(due_at=datetime.now(UTC) - timedelta(seconds=1))
        connections.close_all()
        if not (child := os.fork()):
            seen = [0]

            def killed_at(act, *arguments):
                seen[0] += 2
                if point == seen[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                result = act(*arguments)
                if point == seen[0] + 1:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            smtplib.SMTP.send = lambda *arguments: killed_at(send, *arguments)
            try:
                with connection.execute_wrapper(killed_at), closing(Worker()) as worker:
                    worker.run_due()
            finally:
                os._exit(0)
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])

    point, killed = 2, True
    while killed:
        for number in range(EACH):
            notify.send(None, recipient=alice, verb=f"point {point} number {number}.")
        work(0)
        killed = work(point)
        while Delivery.objects.filter(state="waiting").exists():
            work(0)
        point += step
    print(point)
"""


@pytest.mark.exhaustive
@pytest.mark.both_databases(short="postgresql")
@pytest.mark.faults(short=True)
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_at_any_point_sends_each_notification_in_one_digest(settings: Settings, alice: User) -> None:
    email = "notifications_hub.transports.email.transport.Email"
    hub = {
        **settings.NOTIFICATIONS_HUB,
        "TRANSPORTS": {"web_push": None, "email": email},
        "SITE_URL": "https://hub.example",
        "EMAIL_FROM": "hub@hub.example",
    }
    with MailServer() as server:
        ran = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(KILLED_AT_EACH_POINT).replace("EACH", str(EACH)), _step()],
            cwd=ROOT,
            env=site_environment(hub=hub, DATABASE_URL=database_url(), TEST_SETTINGS=json.dumps(mail_settings(server))),
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    assert ran.returncode == 0, ran.stderr
    points = range(2, int(ran.stdout), int(_step()))
    assert points[-1] > 40, "it is killed at all of them"
    ids: dict[str, Counter[str]] = defaultdict(Counter)
    for one in server.received:
        for line in text_of(one).splitlines():
            if line.startswith("- point"):
                ids[line.partition(".")[0].removeprefix("- ")][str(one["Message-ID"])] += 1
    assert ids.keys() == {f"point {point} number {number}" for point in points for number in range(EACH)}
    for repeats in ids.values():
        assert len(repeats) == 1, "each is in one email"
        assert max(repeats.values()) <= 2, "which a lease may repeat"


def _step() -> str:
    return "1" if FULL else "40"
