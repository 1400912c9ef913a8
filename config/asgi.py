"""HTTP, WebSocket and lifespan of this site: `uvicorn config.asgi:application`."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from notifications_hub import live_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = live_application(get_asgi_application())
