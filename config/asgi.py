"""HTTP, WebSocket and lifespan of this site: `uvicorn config.asgi:application`."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

# The hub's modules hold models, so they can be imported only once Django is set up.
from notifications_hub.asgi import live_application  # noqa: E402

application = live_application(django_application)
