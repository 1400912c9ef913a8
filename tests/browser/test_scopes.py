"""A page of one tenant, in Chromium: what it lists and counts, and what it only shows as a toast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.inbox_page import PATH, news, ready

if TYPE_CHECKING:
    from tests.conftest import StartSite
    from tests.support.browser import People
    from tests.support.site import Site

SEND = "notify.send(bob, recipient=alice, verb='called', kind='case.moved', tenant={tenant}, category='{category}')"


@pytest.fixture
def site(start_site: StartSite) -> Site:
    site = start_site(DJANGO_SETTINGS_MODULE="tests.hosts.extended_model.settings")
    site.python("""
        from django.core.management import call_command
        call_command("migrate", verbosity=0)
        from accounts.models import User
        from notifications.signals import notify
        from tests.hosts.extended_model.tenancy.models import Tenant
        alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
        acme, globex = (Tenant.objects.create(name=name) for name in ("Acme", "Globex"))
    """)
    return site


def test_another_tenants_notification_is_a_toast_and_nothing_else(page_for: People, site: Site) -> None:
    page = ready(page_for("alice", PATH, extra_http_headers={"X-Tenant": "Acme"}))
    badge, toasts = page.locator("[data-part=badge]"), page.locator(".nh-toast")
    expect(page.locator("[data-part=state]")).to_have_attribute("data-state", "live")

    site.python(SEND.format(tenant="globex", category="theirs"))
    expect(toasts.filter(has_text="Globex: called (theirs)")).to_be_visible()
    expect(badge).to_be_hidden()
    expect(news(page)).to_be_hidden()

    site.python(SEND.format(tenant="acme", category="ours"))
    expect(badge).to_have_text("1")
    expect(news(page)).to_be_visible()
    page.locator("notification-bell [data-part=button]").click()
    expect(page.locator("notification-bell .nh-row")).to_have_count(1)

    # With the open panel in sight, a notification of the tenant needs no toast. Another's still does.
    site.python(SEND.format(tenant="globex", category="again"))
    expect(toasts.filter(has_text="Globex: called (again)")).to_be_visible()
    expect(page.locator("notification-bell .nh-row")).to_have_count(1)
    expect(badge).to_have_text("1")
