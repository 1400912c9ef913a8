"""A Python that has imported what every project imports, and forks for each process that `tests.support.warm` starts.

A fork begins as `python …` does: with its own arguments, environment, folder, path and files. Nothing of the hub, of
its tests or of a project is imported before the fork, nor what reads the environment or settings at its import.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

_IMPORTED = """
    asyncio concurrent.futures ctypes fractions http.client logging.config multiprocessing mmap resource secrets smtplib
    sqlite3 ssl statistics timeit unittest urllib.request uuid django.conf.urls.static django.core.cache.backends.locmem
    django.core.handlers.asgi django.forms django.contrib.admin.apps django.contrib.admin.templatetags.admin_list
    django.contrib.auth.apps django.contrib.auth.hashers django.contrib.auth.password_validation
    django.contrib.auth.tokens django.contrib.contenttypes.apps django.contrib.messages.apps
    django.contrib.messages.middleware django.contrib.messages.storage.fallback django.contrib.sessions.apps
    django.contrib.sites.shortcuts django.contrib.sessions.middleware django.contrib.staticfiles.apps
    django.contrib.staticfiles.handlers django.core.mail.backends.base django.core.management.commands.check
    django.db.backends.sqlite3.base django.core.management.commands.makemigrations
    django.core.management.commands.migrate django.test django.db.models.sql.compiler django.middleware.clickjacking
    django.middleware.common django.middleware.security django.template.loaders.app_directories
    django.template.loaders.cached django.templatetags.cache django.templatetags.l10n django.templatetags.tz django.urls
    django.utils.translation.reloader django.views.csrf django.views.decorators.http django.views.generic aiohttp
    channels.layers cryptography.fernet cryptography.x509 http_ece markdown_it nh3 py_vapid pydantic.dataclasses
    pydantic.networks requests sqlparse websockets csp.middleware environ servestatic.storage uvicorn.lifespan.on
    uvicorn.loops.auto uvicorn.protocols.http.auto uvicorn.protocols.websockets.websockets_sansio_impl
"""
MOST_BYTES = 200_000
"""The length of one start, with its environment."""


class Start(TypedDict):
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    is_server: bool


def main() -> None:
    server = socket.socket(fileno=int(sys.argv[1]))
    gc.disable()  # Nothing of what imports make is garbage.
    for name in _IMPORTED.split():
        importlib.import_module(name)
    gc.freeze()
    assert threading.active_count() == 1, "a fork would lose the other threads"
    if (start := _serve(server)) is not None:
        if start["is_server"]:
            gc.enable()
        _run(start["arguments"])


def _serve(server: socket.socket) -> Start | None:
    """Return in each fork with what it runs, or in this process without once the tests' process has ended."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake)
    endings: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([server.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _report_endings(endings)
        if server.fileno() in ready:
            message, files, _, _ = socket.recv_fds(server, MOST_BYTES, 4)
            if not message:
                return None
            start: Start = json.loads(message)
            *standard, ending = files
            process_id = os.fork()
            if process_id == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                server.detach()
                _become(start, standard)
                return start
            endings[process_id] = ending
            for file in standard:
                os.close(file)
            server.send(str(process_id).encode())


def _report_endings(endings: dict[int, int]) -> None:
    """Write the exit code of each fork that has ended into its own pipe."""
    while endings:
        process_id, status = os.waitpid(-1, os.WNOHANG)
        if process_id == 0:
            return
        ending = endings.pop(process_id)
        with suppress(BrokenPipeError):  # Nobody waits for it.
            os.write(ending, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(ending)


def _become(start: Start, standard: Sequence[int]) -> None:
    """Take the files, the environment, the folder and the path that a new Python would begin with."""
    os.setsid()
    for number, file in enumerate(standard):
        os.dup2(file, number)
    os.closerange(3, 1024)
    os.environ.clear()
    os.environ.update(start["environment"])
    os.chdir(start["folder"])
    if os.environ.get("PYTHONUNBUFFERED"):
        raw = io.FileIO(1, "w", closefd=False)
        sys.stdout = sys.__stdout__ = io.TextIOWrapper(raw, sys.stdout.encoding, write_through=True)  # type: ignore[misc]
    sys.path[:] = [*_path_of(start["environment"]), *(entry for entry in sys.path if _is_installed(entry))]
    importlib.invalidate_caches()


def _path_of(environment: Mapping[str, str]) -> list[str]:
    return [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _is_installed(entry: str) -> bool:
    return entry.startswith((sys.prefix, sys.base_prefix))


def _run(arguments: list[str]) -> None:
    """Do what `python` does with these arguments: `-c code …`, `-m module …` or `script …`."""
    first, *others = arguments
    if first == "-c":
        _look_first_in("")
        sys.argv = ["-c", *others[1:]]
        exec(compile(others[0], "<string>", "exec"), {"__name__": "__main__"})
    elif first == "-m":
        _look_first_in(str(Path.cwd()))
        sys.argv = others
        runpy.run_module(others[0], run_name="__main__", alter_sys=True)
    else:
        _look_first_in(str(Path(first).absolute().parent))
        sys.argv = arguments
        runpy.run_path(first, run_name="__main__")


def _look_first_in(folder: str) -> None:
    if not os.environ.get("PYTHONSAFEPATH"):
        sys.path.insert(0, folder)


if __name__ == "__main__":
    main()
