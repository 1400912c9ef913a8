"""The site's own settings, with the views of the publishing measure, without a push rate limit, and with
deliveries that are due at once.
"""

from __future__ import annotations

from config.settings import *  # noqa: F403
from config.settings import NOTIFICATIONS_HUB

ROOT_URLCONF = "bench.urls"
NOTIFICATIONS_HUB = {**NOTIFICATIONS_HUB, "PUSH_RATE": 0, "ACK_WINDOW": 0}
