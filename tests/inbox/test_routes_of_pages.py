"""The routes of the API that do what pages do. A new page or button needs its row here."""

from __future__ import annotations

import re
from pathlib import Path

from django.urls import URLPattern

import notifications_hub
from notifications_hub import urls
from notifications_hub.following.changes import Change
from notifications_hub.following.views import MUTES
from notifications_hub.inbox.api import api
from notifications_hub.inbox.marks import Mark

ROUTES = {
    "mark": {f"POST notifications/{mark}/" for mark in Mark} | {"POST notifications/undo/"},
    "act": {"POST notifications/{item_id}/actions/{name}/"},
    "announcement": {"POST notifications/read/", "POST notifications/acknowledge/"},
    "inbox": {"GET notifications/", "GET notifications/count/"},
    "preferences": {"GET preferences/", "PATCH preferences/", "GET push/subscriptions/"},
    "unsubscribe": {"PATCH preferences/"},
    "digests": {"GET digests/", "PATCH digests/"},
    "quiet-hours": {"GET quiet-hours/", "PUT quiet-hours/"},
    "pause": {"POST quiet-hours/pause/"},
    "forget-device": {"DELETE push/subscriptions/{subscription_id}/"},
    "following": {"GET following/"},
    "change-following": {f"POST following/{change}/" for change in Change},
    "unfollow": {"POST following/unfollow/", "POST following/follow/"},
    "cancel-job": {"POST jobs/{pk}/cancel/"},
    "banners": {"GET banners/"},
    "dismiss-banner": {"POST banners/dismiss/"},
    "why": {"GET notifications/{item_id}/why/"},
    "test-device": {"POST push/subscriptions/{subscription_id}/test/"},
    "add-address": {"POST own-addresses/", "GET own-addresses/"},
    "renew-secret": {"POST own-addresses/{address_id}/secret/"},
    "remove-address": {"DELETE own-addresses/{address_id}/"},
    "test-address": {"POST own-addresses/{address_id}/test/"},
    "resume-email": {"POST preferences/resume-email/"},
}
"""Routes that do what a page does, by the name of the page."""
NOT_PAGES = {"live_ws", "live_sse", "live_poll", "live_ack", "healthz", "readyz", "metrics", "email-reports"}
"""Addresses that people do not open."""
ONLY_PAGES = {
    "gallery": "for developers",
    "kinds": "for developers",
    "open": "records a click and redirects: the API gives its address as the item's link, and a client opens it",
}
"""Pages without a route, with the reason."""
TEMPLATES = Path(notifications_hub.__file__).parent / "templates" / "notifications_hub"


def routes() -> set[str]:
    found = api.get_openapi_schema(path_prefix="")["paths"]
    return {f"{method.upper()} {path.lstrip('/')}" for path, methods in found.items() for method in methods}


def test_every_page_has_its_routes() -> None:
    pages = {pattern.name for pattern in urls._pages if isinstance(pattern, URLPattern)}
    assert pages == ROUTES.keys() | NOT_PAGES | ONLY_PAGES.keys()
    assert set().union(*ROUTES.values()) - routes() == set()


def test_every_form_leads_to_a_page_and_every_button_to_a_route() -> None:
    texts = [file.read_text(encoding="utf-8") for file in TEMPLATES.rglob("*.html")]
    buttons = {value for text in texts for value in re.findall(r'name="action"\s+value="([a-z-]+)"', text)}
    known = {*Mark, *Change, *MUTES}
    assert {"read", "unfollow", "mute-day"} <= buttons <= known
    forms = {name for text in texts for name in re.findall(r"""action="{% url 'notifications_hub:([a-z-]+)'""", text)}
    assert {"mark", "pause"} <= forms <= ROUTES.keys() | ONLY_PAGES.keys()
