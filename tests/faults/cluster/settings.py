"""The settings of the cluster that these tests share: those of every cluster, and topics that anyone may listen to."""

from __future__ import annotations

from tests.cluster_settings import *  # noqa: F403
from tests.cluster_settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.live.hurry"]
