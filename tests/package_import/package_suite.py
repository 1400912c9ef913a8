"""Run the tests of django-notifications-community on the hub's model, and print how each one ended, as JSON.

Its sources must come first in the path. The guide's own lines are added to the settings and addresses of its tests.

DATABASE_URL=sqlite:// PYTHONPATH=…/django_notifications_community-1.12.3 python -m tests.package_import.package_suite
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any
from unittest import TestSuite, TextTestResult

import django
import environ
from django.conf import settings
from django.test.runner import DiscoverRunner

from tests.support.host import blocks_of
from tests.support.processes import ROOT

GUIDE = ROOT / "docs" / "guides" / "from-django-notifications.md"


class Runner(DiscoverRunner):
    """A runner that keeps the result of each test."""

    def suite_result(self, suite: TestSuite, result: TextTestResult, **kwargs: Any) -> int:
        ended = {"failed": [*result.failures, *result.errors], "skipped": result.skipped}
        # The first two parts of an id name the file.
        names = {how: [".".join(test.id().split(".")[-2:]) for test, _ in pairs] for how, pairs in ended.items()}
        sys.stdout.write(json.dumps({"run": result.testsRun, **names}))
        return 0


def main() -> None:
    own = vars(import_module("notifications.tests.settings"))
    for block in blocks_of(GUIDE):
        if block.path == "settings.py":
            exec(block.code, own)
    own["DATABASES"] = {"default": environ.Env().db_url("DATABASE_URL")}
    # A password is set for each test.
    own["PASSWORD_HASHERS"] = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.configure(**{name: value for name, value in own.items() if name.isupper()})
    django.setup()
    from django.urls import include, path

    import_module(settings.ROOT_URLCONF).urlpatterns.append(path("hub/", include("notifications_hub.urls")))
    Runner(verbosity=0, interactive=False).run_tests(["notifications"])


if __name__ == "__main__":
    main()
