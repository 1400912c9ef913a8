"""The settings of the tests, plus an app that adds columns to notifications, and a database of its own."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS, NOTIFICATIONS_HUB

INSTALLED_APPS = [*INSTALLED_APPS, "tests.hosts.extended_model.tenancy"]
NOTIFICATIONS_HUB = {**NOTIFICATIONS_HUB, "INBOX_SCOPE": "tests.hosts.extended_model.tenancy.scope.tenant_of"}
DATABASES["default"]["TEST"] = {"NAME": f"test_extended_{os.getpid()}"}
