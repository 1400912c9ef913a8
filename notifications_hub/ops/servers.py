"""The servers that can run the site, in the doctor's words. docs/servers.md says more about each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from django.conf import settings
from django.utils.module_loading import import_string

from notifications_hub.live.process_list import WORKER, ListedProcess
from notifications_hub.live.server import is_wrapped

REMARKS: Mapping[str, str] = {
    "daphne": "A client that stops reading takes memory until its ping times out: set --ping-timeout 10.",
    "granian": "Each socket takes 128 KB, and messages of 64 MiB are accepted.",
    "hypercorn": "It compresses WebSockets, which costs memory for each. Set --graceful-timeout 1.",
}
"""Per server, what an administrator should know, with its remedy."""
UNCOMPRESSED: Mapping[str, str] = {
    "hypercorn": "It has no option against that: use `manage.py hub_serve`.",
    "uvicorn": "Start it with `manage.py hub_serve`, under gunicorn with HubWorker, or with "
    "--ws-per-message-deflate false.",
}
"""Per server, how to start it without compression of WebSockets."""


def describe_servers(running: Collection[ListedProcess]) -> str:
    """Return which servers run the site now, and what is special about them. Empty if none runs."""
    counts = Counter(process.program or "an unknown server" for process in running if process.program != WORKER)
    if not counts:
        return ""
    names = ", ".join(f"{server} ({count})" for server, count in sorted(counts.items()))
    return " ".join([f"served by {names}.", *(REMARKS[server] for server in sorted(counts) if server in REMARKS)])


def describe_worker(running: Collection[ListedProcess] | None) -> str:
    """Return which processes send while the worker is embedded. None: nothing is known of the processes."""
    if running is None:
        return "embedded: a thread of each ASGI process sends. Under WSGI there is none."
    if workers := count_workers(running):
        return f"embedded, and beside it hub_worker ({workers})."
    if not running:
        return "embedded, but no ASGI process runs now. Under WSGI there is no worker: run `manage.py hub_worker`."
    late = sorted({process.program or "a server" for process in running if not process.has_lifespan})
    if late:
        return (
            f"embedded: a thread of each web process sends. {', '.join(late)} reports no start to it (no lifespan), so "
            "after a restart it sends only from the first request on. `manage.py hub_worker` does not wait."
        )
    return f"embedded: a thread of each web process sends. {len(running)} run now."


def application_fault() -> str:
    """Return what is wrong with the site's ASGI application, with the remedy, or an empty text."""
    try:
        import_string(settings.ASGI_APPLICATION)
    except Exception as error:  # noqa: BLE001 -- an asgi.py may raise anything
        return f"ASGI_APPLICATION cannot be imported: {type(error).__name__}: {error}"
    if is_wrapped():
        return ""
    remedy = "application = live_application(get_asgi_application())"
    return f"{settings.ASGI_APPLICATION} has no live connections, and pages poll. Write there: {remedy}."


def count_workers(running: Collection[ListedProcess]) -> int:
    return sum(process.program == WORKER for process in running)
