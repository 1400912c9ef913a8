"""Concurrent work, in threads and in processes that share the test's database."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from textwrap import dedent
from typing import TypeVar
from urllib.parse import quote

from django.db import connection, connections, transaction

from tests.support.processes import Process
from tests.support.warm import start

T = TypeVar("T")


class _GivenUp(Exception):
    pass


@contextmanager
def rolled_back() -> Iterator[None]:
    """Run a block in a transaction, or in a savepoint inside one, and roll it back."""
    with suppress(_GivenUp), transaction.atomic():
        yield
        raise _GivenUp


def together(functions: Sequence[Callable[[], T]]) -> list[T]:
    """Call all functions at the same time, each in its own thread. Return their results, or raise the first error."""
    start = threading.Barrier(len(functions))

    def run(function: Callable[[], T]) -> T:
        start.wait(30)
        try:
            return function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(functions)) as threads:
        running = [threads.submit(run, function) for function in functions]
        return [one.result(60) for one in running]


def in_process(code: str) -> Process:
    """Start a Python with Django set up on the test's database. Use it only in tests that commit their rows."""
    setup = "import django\ndjango.setup()\n"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url()}
    return start(["-c", setup + dedent(code)], environment=environment)


def database_url() -> str:
    """Return the URL of the test's database, for another process."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    password = f":{quote(given['PASSWORD'])}" if given["PASSWORD"] else ""
    return f"postgres://{given['USER']}{password}@{given['HOST']}:{given['PORT']}/{given['NAME']}"
