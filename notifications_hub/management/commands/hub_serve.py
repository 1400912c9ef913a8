"""The command `hub_serve`: serves the site and its live connections, with the right options for the server."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Serve the site with uvicorn: pages, live connections and, unless it is turned off, the embedded worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, help="port to listen on (8000)")
        parser.add_argument("--uds", metavar="PATH", help="listen on this unix socket, for a proxy on this machine")
        parser.add_argument("--workers", type=int, help="processes (1); several need Redis as channel layer and cache")
        parser.add_argument(
            "--forwarded-allow-ips",
            metavar="LIST",
            help="proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted (127.0.0.1)",
        )
        parser.add_argument("--limit-concurrency", type=int, help="connections per process (12000); more get 503")
        parser.add_argument("--max-body", type=int, metavar="BYTES", help="largest request (10 MiB); larger get 413")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.ASGI_APPLICATION:
            raise CommandError('Set ASGI_APPLICATION, such as "yoursite.asgi.application".')
        try:
            from notifications_hub.ops.web_server import Options, serve
        except ImportError as error:
            raise CommandError(f'{error}. Install the server: pip install "uvicorn[standard]"') from error
        module, _, name = settings.ASGI_APPLICATION.rpartition(".")
        given = {key: options[key] for key in Options.__dataclass_fields__ if options[key] is not None}
        serve(f"{module}:{name}", Options(**given))
