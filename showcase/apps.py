from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ShowcaseConfig(AppConfig):
    name = "showcase"
    verbose_name = _("Showcase")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from showcase.chat import presence, rooms  # noqa: F401 -- connects its receivers

        rooms.watch_memberships()
