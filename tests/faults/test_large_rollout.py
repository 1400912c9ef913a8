"""T41: an announcement to 100,000 people goes out by a transport, while its workers are killed on the way.

The transport answers after 10 ms and writes to a file, so the time is that of the hub: of two workers, on the machine
that also runs the site, the database and the clients. `PEOPLE` names another number. What a killed worker held is
taken over about 10 s later (`worker_life.py`), so the time until all have it may be longer by that.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest

from notifications_hub.delivery import worker
from tests.faults.figures import record
from tests.faults.run import Run, running
from tests.faults.test_deliveries import Worker
from tests.support.processes import wait_until
from tests.support.redis import RedisServer
from tests.support.site import Site

pytestmark = [pytest.mark.postgres, pytest.mark.faults(alone=True)]

PEOPLE = int(os.environ.get("PEOPLE", "100000"))
WORKERS, KILLED_AT = 2, (0.1, 0.5, 0.9)
SECONDS, RATE = 30, 20
"""For so long others are notified meanwhile, so many times a second."""
HUB = {
    "TRANSPORTS": {"web_push": "tests.support.file_transport.FileTransport"},
    "EMBEDDED_WORKER": False,
    "ACK_WINDOW": 0,
}


class Sent:
    """The file of the transport, read from where the last look ended."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._file.touch()
        self._read = 0
        self.by_person: dict[str, Counter[str]] = {}

    def people(self, tag: str) -> int:
        """Return the number of people whose message with this tag was sent."""
        with self._file.open() as lines:
            lines.seek(self._read)
            while (line := lines.readline()).endswith("\n"):
                self._read += len(line)
                of, person = line.split()
                self.by_person.setdefault(of, Counter())[person] += 1
        return len(self.by_person.get(tag, ()))


class Rollout:
    """The announcement to everyone, and how long its parts took."""

    def __init__(self, run: Run, sent: Sent, workers: Sequence[Worker]) -> None:
        self._run, self._sent, self._workers = run, sent, workers
        self.tag, self.audience = "", 0
        self.rate = self.nearly_all = self.all = 0.0
        """Messages in a second until the last kill, and seconds until 99 % and until all were sent."""

    def announce(self) -> None:
        """Announce, kill the workers in turn on the way, and wait until everyone has it."""
        found = self._run.python("""
            from django.contrib.auth import get_user_model
            from notifications_hub import broadcast
            print(broadcast(title="To everyone").item_id, get_user_model().objects.filter(is_active=True).count())
        """)
        self.tag, audience = found.split()
        self.audience = int(audience)
        begun = time.monotonic()
        for part, one in zip(KILLED_AT, cycle(self._workers), strict=False):
            wait_until(partial(self._has, part), seconds=900, what=f"{part:.0%} of the messages")
            self.rate = part * self.audience / (time.monotonic() - begun)
            one.kill()
        wait_until(partial(self._has, 0.99), seconds=900, what="99 % of the messages")
        self.nearly_all = time.monotonic() - begun
        # What the last killed worker held is taken over.
        wait_until(partial(self._has, 1.0), seconds=900, what="all messages")
        wait_until(self._is_finished, seconds=900, what="the end of the rollout")
        self.all = time.monotonic() - begun

    def _has(self, part: float) -> bool:
        return self._sent.people(self.tag) >= part * self.audience

    def _is_finished(self) -> bool:
        time.sleep(0.5)
        return self._counts("Rollout.objects.filter(finished_at=None).count()") == [0]

    def _counts(self, expression: str) -> list[int]:
        found = self._run.python(f"""
            from notifications_hub.announcements.rollouts.models import Rollout
            from notifications_hub.delivery.models import Delivery
            from notifications_hub.models import Notification
            print({expression})
        """)
        return [int(number) for number in found.split()]

    def rows(self) -> list[int]:
        """Return the deliveries of the rollout, those that were sent, and the people with a row of the announcement."""
        of_it = "Delivery.objects.exclude(rollout=None)"
        rows = "Notification.objects.exclude(announcement=None).values('recipient').distinct()"
        return self._counts(f"{of_it}.count(), {of_it}.filter(state='sent').count(), {rows}.count()")


def test_each_of_very_many_people_gets_it_once_and_others_do_not_wait(
    start_site: Callable[..., Site], redis_server: RedisServer, tmp_path: Path
) -> None:
    sent = Sent(tmp_path / "sent")
    site = start_site(HUB, SENT_FILE=str(tmp_path / "sent"), REDIS_URL=redis_server.url)
    with ExitStack() as working, running(site.url, site.environment, tmp_path, people=2) as run:
        run.python(f"""
            from accounts.models import User
            members = (User(username=f"member{{number}}", password="!") for number in range({PEOPLE}))
            User.objects.bulk_create(members, batch_size=5000)
        """)
        rollout = Rollout(run, sent, list(working_in(working, tmp_path, site)))
        verdict = run.prove(seconds=SECONDS, rate=RATE, happening=rollout.announce)
        rows = rollout.rows()
    again = sum(sent.by_person[rollout.tag].values()) - rollout.audience
    record(
        "T41", verdict, people=rollout.audience, messages_again=again, live_p99_seconds=verdict.delay_p99,
        nearly_all_seconds=rollout.nearly_all, all_seconds=rollout.all, per_second=rollout.rate,
    )  # fmt: skip
    assert verdict.holds
    assert rows == [rollout.audience] * 3
    assert again <= len(KILLED_AT) * worker.BULK_SLOTS, "only what a killed worker had just sent comes again"
    assert verdict.delay_p99 < 1


def working_in(stack: ExitStack, folder: Path, site: Site) -> Iterator[Worker]:
    """Yield workers that end with the stack, each with a log of its own."""
    for number in range(WORKERS):
        own = folder / f"worker{number}"
        own.mkdir()
        one = Worker(own, site.environment)
        stack.callback(one.close)
        yield one
