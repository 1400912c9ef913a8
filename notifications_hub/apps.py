from __future__ import annotations

from types import ModuleType

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from notifications_hub.name_clashes import require_attribute, require_model_setting, require_unhidden_package
from notifications_hub.package_import.shared_folder import require_package


class NotificationsHubConfig(AppConfig):
    name = "notifications_hub"
    verbose_name = _("Notifications")
    default_auto_field = "django.db.models.BigAutoField"

    def __init__(self, app_name: str, app_module: ModuleType | None) -> None:
        """Look at the package that the models need, before any models are imported."""
        require_unhidden_package()
        require_package()
        require_model_setting()
        super().__init__(app_name, app_module)

    def ready(self) -> None:
        """Connect receivers and load what apps declare. This starts no thread and no loop, and makes no query."""
        from notifications_hub import (  # noqa: F401
            checks,
            database_checks,
            discovery,
            extension_checks,
            inbox_limit,
            notification_removal,
            own_kinds,
            publishing,
        )
        from notifications_hub.actions import checks as action_checks  # noqa: F401
        from notifications_hub.announcements import announce
        from notifications_hub.announcements.results import folding, watching  # noqa: F401
        from notifications_hub.announcements.seals import chain  # noqa: F401
        from notifications_hub.confirmations import reminding  # noqa: F401
        from notifications_hub.database.boolean_sql import respell_indexes
        from notifications_hub.delivery import worker_wakeup  # noqa: F401
        from notifications_hub.escalation import running  # noqa: F401
        from notifications_hub.following import checks as following_checks  # noqa: F401
        from notifications_hub.following import rules
        from notifications_hub.jobs import broker, log_removal, notifications, task_checks  # noqa: F401
        from notifications_hub.live import signing_out
        from notifications_hub.notify import take_over_signal
        from notifications_hub.package_import import swapped_model
        from notifications_hub.rows import delete_signals
        from notifications_hub.transports.email import reports
        from notifications_hub.transports.web_push import session_binding
        from notifications_hub.use import folding as use_folding  # noqa: F401
        from notifications_hub.use import tidying, walking  # noqa: F401

        require_attribute()
        post_migrate.connect(respell_indexes, sender=self)
        take_over_signal()
        swapped_model.explain()
        notification_removal.connect()
        log_removal.connect()
        announce.connect()
        signing_out.connect()
        session_binding.connect()
        reports.connect()
        discovery.autodiscover()
        rules.connect()
        delete_signals.connect_all()
