"""Takes the pictures that the documents show, from the product as it runs: `make pictures`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.support.browser import WHOLE, People, chromium
from tests.support.databases import databases_like
from tests.support.processes import ROOT
from tests.support.site import Site

IMAGES = ROOT / "docs" / "images"
SETTLED = 1200
"""Milliseconds until previews are drawn and animations have ended."""


def bell(people: People, site: Site) -> None:
    page = people("alice", viewport={"width": 1080, "height": 640})
    page.wait_for_selector("notification-bell [data-state=live]", state="attached")
    _reply(site)
    page.wait_for_selector("toast-stack .nh-toast")
    _keep(page, "bell.png")


def elements(people: People, site: Site) -> None:
    """Take single states of the gallery, in light and dark side by side."""
    page = people("admin")
    for element, state in (("panel", "items"), ("toast", "with-actions")):
        page.goto(f"{site.url}/notifications/gallery/?kind={element}")
        shown = page.locator(".nh-schemes", has=page.locator(f"[data-state={element}-{state}]"))
        page.wait_for_timeout(SETTLED)
        shown.screenshot(path=IMAGES / f"{element}.png")


def announcement(people: People) -> None:
    page = people("admin", "/admin/notifications_hub/announcement/add/", viewport={"width": 1200, "height": 900})
    page.fill("#id_title", "Maintenance on Sunday")
    page.fill("#id_body", "The site will be **read-only** from 6 to 7.\n\n- Nothing is lost\n- Replies wait for you")
    _keep(page, "announcement.png")


def _reply(site: Site) -> None:
    post = site.python("""
        from showcase.models import Post
        print(Post.objects.filter(author__username="alice").latest("pk").get_absolute_url())
    """).strip()
    site.visitor("bob").post(post, data={"body": "It rang here, and only once. Lovely."})


def _keep(page: Page, name: str) -> None:
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=IMAGES / name)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp())
    with databases_like("sqlite://", folder, folder) as databases, chromium(WHOLE) as browser:
        site = Site(folder, hub={}, environment={"DATABASE_URL": databases.copy()})
        try:
            people = People(browser, site)
            bell(people, site)
            announcement(people)
            elements(people, site)
            people.close()
        finally:
            site.close()


if __name__ == "__main__":
    main()
