"""For hosts that serve WSGI: everything but live connections works, and pages poll."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from notifications_hub import checked_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = checked_application(get_wsgi_application())
