"""The control: a reader that remembers the highest id it saw, as most feeds do. It skips what commits late."""

from __future__ import annotations

import threading
import time

import psycopg

from tests.faults.ledger import Applied, Ledger

NAME = "naive"
_NEXT = """
    SELECT event.id, event.data -> 'data' ->> 'mark' FROM notifications_hub_event AS event
    WHERE event.topic = %s AND event.id > %s AND event.kind = 'notification.created' ORDER BY event.id
"""


class NaiveReader:
    """Reads the events of a person's inbox by `id > the last one`, and writes them to the ledger as they come."""

    def __init__(self, ledger: Ledger, database_url: str, person: str, topic: str) -> None:
        self._ledger, self._url, self._person, self._topic = ledger, database_url, person, topic
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> NaiveReader:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _read(self) -> None:
        last, count = 0, 0
        with psycopg.connect(self._url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
            while not self._ended.is_set():
                for number, mark in connection.execute(_NEXT, [self._topic, last]).fetchall():
                    last, count = number, count + 1
                    self._ledger.write(Applied(NAME, self._person, self._topic, count, mark, time.time()))
                time.sleep(0.002)
