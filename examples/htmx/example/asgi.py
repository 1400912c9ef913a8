import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")
django_application = get_asgi_application()

from notifications_hub import live_application  # noqa: E402 -- the apps must be ready

application = live_application(django_application)
