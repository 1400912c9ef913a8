"""The site's WSGI application. It has no live connections, so pages poll; everything else works."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from notifications_hub import checked_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = checked_application(get_wsgi_application())
