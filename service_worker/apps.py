from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ServiceWorkerConfig(AppConfig):
    name = "service_worker"
    verbose_name = _("Service worker")
