"""The settings of a test's `Cluster`: those of a production site, and demo people whose password is "demo"."""

from __future__ import annotations

import os

os.environ["DEBUG"] = "0"

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.demo_people.DemoPeopleWelcome"]
