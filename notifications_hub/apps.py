from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsHubConfig(AppConfig):
    name = "notifications_hub"
    verbose_name = _("Notifications")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connects receivers and reads what apps declare. Nothing starts here: no thread, no loop, no query."""
        from notifications_hub import checks, dispatch, kinds, removal  # noqa: F401
        from notifications_hub.announcements import announce
        from notifications_hub.jobs import log_removal, sending, told  # noqa: F401
        from notifications_hub.live import signing_out
        from notifications_hub.notify import take_over_signal
        from notifications_hub.rows import deleting
        from notifications_hub.transports import binding

        take_over_signal()
        removal.connect()
        log_removal.connect()
        announce.connect()
        signing_out.connect()
        binding.connect()
        kinds.autodiscover()
        deleting.connect_all()
