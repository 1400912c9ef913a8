"""A report in Chromium: its bar runs, survives a reload and a second tab, and always ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.jobs.support import ATTACKS
from tests.push_lab.service import wait_for
from tests.support.browser import People, click_through
from tests.support.celery import CeleryWorker
from tests.support.databases import Databases
from tests.support.processes import wait_until
from tests.support.site import Site


@pytest.fixture(scope="module")
def site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start a site whose broker is a folder, as bin/run does."""
    folder = tmp_path_factory.mktemp("site")
    environment = {"DATABASE_URL": databases.copy(), "CELERY_FOLDER": str(folder / "folder")}
    site = Site(folder, hub={"JOB_LEASE": 2.0}, environment=environment)
    yield site
    site.close()


@pytest.fixture
def worker(site: Site, tmp_path: Path) -> Iterator[CeleryWorker]:
    options = ("--pool=threads", "--without-gossip", "--without-mingle", "--without-heartbeat")
    with CeleryWorker(tmp_path, site.environment, *options) as worker:
        yield worker


def start(page: Page, how: str) -> Locator:
    """Start a report, and return its bar, the newest."""
    click_through(page.locator(f"button[value={how}]"))
    return page.locator("task-progress").first


def toasted(page: Page) -> list[str]:
    """Return the titles of all toasts since the page was opened."""
    titles: list[str] = page.evaluate("window.toasted")
    return titles


def delivered(site: Site) -> list[str]:
    """Return the kinds of Alice's job notifications that were delivered."""
    return site.python("""
        from notifications_hub.models import Notification
        rows = Notification.objects.filter(recipient__username="alice", kind__startswith="task.")
        rows = rows.filter(delivered_at__isnull=False)
        print(*sorted(rows.values_list("kind", flat=True)))
    """).split()


# A toast is on the screen for eight seconds, and a journey may look later.
REMEMBER_TOASTS = """
    window.toasted = [];
    document.addEventListener("DOMContentLoaded", () => {
        const seen = new MutationObserver((changes) => {
            for (const { addedNodes } of changes)
                for (const node of addedNodes)
                    if (node.matches?.(".nh-toast"))
                        window.toasted.push(node.querySelector("[data-part=title]").textContent);
        });
        const stack = document.querySelector("toast-stack");
        if (stack) seen.observe(stack, { childList: true, subtree: true });
    });
"""

START_ATTACKS = f"""
    from django.contrib.auth import get_user_model
    from notifications_hub import start
    from tests.jobs import tasks
    alice = get_user_model().objects.get(username="alice")
    for attack in {ATTACKS!r}:
        start(tasks.recite.s(attack, 0.5), owner=alice, title=attack, url="/showcase/report/")
"""


def percent(bar: Locator) -> int:
    return int(bar.locator("progress").get_attribute("value") or 0)


def wait_until_beyond(least: int, *bars: Locator) -> None:
    """Wait for so many percent. Ask seldom, because each question takes as much of a core as the bar does."""
    wait_for(lambda: all(percent(bar) > least for bar in bars), step=0.3)


def test_a_report_runs_through_reloads_and_tabs_to_its_end(
    people_of: Callable[[Site], People], site: Site, worker: CeleryWorker, tmp_path: Path
) -> None:
    people = people_of(site)
    page = people("alice", "/showcase/report/", reduced_motion="reduce")
    people.context("alice").add_init_script(REMEMBER_TOASTS)
    before_any = int(page.locator("notification-bell").get_attribute("unread") or 0)
    bar = start(page, "whole")
    expect(bar.get_by_role("progressbar")).to_have_accessible_name("Report on all posts")
    wait_until_beyond(10, bar)
    address = str(bar.get_attribute("topic")).removeprefix("task.")

    # After a reload and in a second tab, the bar continues where the job is.
    reached = percent(bar)
    page.reload()
    assert percent(bar) >= reached
    second = people("alice", f"/showcase/report/{address}/")
    other = second.locator("task-progress")
    wait_until_beyond(45, bar, other)

    # Charlie may neither see it, nor subscribe, nor download the file.
    charlie = site.visitor("charlie")
    for path in (f"/showcase/report/{address}/", f"/showcase/report/{address}/report.csv"):
        assert charlie.get(path).status_code == 403
    refused = charlie.get(f"/live/poll/?topic=task.{address}&wait=0", headers={"Sec-Fetch-Site": "same-origin"})
    assert refused.status_code == 403
    assert charlie.get(f"/api/v1/jobs/{address}/").status_code == 404

    # A failing job says why: in its bar, or in one toast if no page shows the bar.
    third = people("alice", "/showcase/report/")
    start(third, "broken")
    third.goto(site.url + "/")
    one_toast = ["“Report on a broken archive” failed"]
    wait_for(lambda: [*toasted(page), *toasted(second), *toasted(third)] == one_toast, step=0.3)
    before = [toasted(page), toasted(second)]
    third.goto(site.url + "/showcase/report/")
    failing = start(third, "broken")
    expect(failing.locator("[data-standing=failed]")).to_be_visible(timeout=30_000)
    expect(failing.locator("[data-part=text]")).to_have_text("A page is missing in the archive.")
    # A cancelled job stops.
    stopped = start(third, "whole")
    wait_until_beyond(0, stopped)
    stopped.get_by_role("button", name="Stop").click()
    expect(stopped.locator("[data-standing=cancelled]")).to_be_visible()
    expect(stopped.get_by_role("button", name="Stop")).to_be_hidden()

    # It ends in both tabs, with a download and a notification in the inbox.
    for shown in (bar, other):
        expect(shown.locator("[data-standing=done]")).to_be_visible()
        expect(shown.get_by_role("progressbar")).to_have_js_property("value", 100)
    # A bar that showed the end counts as delivery: the bell counts it, and no tab shows a toast.
    wait_for(lambda: delivered(site) == ["task.done", "task.failed", "task.failed"], step=0.3)
    page.wait_for_timeout(1_200)
    assert [toasted(page), toasted(second), toasted(third)] == [*before, []]
    expect(page.locator("notification-bell")).to_have_attribute("unread", str(before_any + 3))
    with page.expect_download() as download:
        bar.get_by_role("link", name="Download").click()
    assert download.value.path().read_text().startswith("title,author,written,replies")
    row = page.goto(site.url + "/notifications/")
    assert row is not None
    expect(page.locator(".nh-card", has_text="“Report on all posts” is done")).to_have_count(1)
    failed = page.locator(".nh-card", has_text="“Report on a broken archive” failed")
    expect(failed).to_contain_text(["A page is missing", "A page is missing"])

    expect_text_whatever_a_task_says(site, page, second, third)


def test_a_stop_that_fails_and_a_session_that_ends_are_reported_at_the_bar(
    people_of: Callable[[Site], People], site: Site
) -> None:
    people = people_of(site)
    page = people("bob", "/showcase/report/")
    bar = start(page, "whole")
    stop = bar.get_by_role("button", name="Stop")
    page.route("**/cancel/", lambda route: route.abort())
    stop.focus()
    page.keyboard.press("Enter")
    expect(bar.get_by_text("Couldn't stop it. Try again.")).to_be_visible()
    expect(stop).to_be_focused()

    token = page.locator("[name=csrfmiddlewaretoken]").first.input_value()
    page.request.post(f"{site.url}/accounts/logout/", form={"csrfmiddlewaretoken": token})
    expect(bar.get_by_text("You're signed out. Sign in to see the progress.")).to_be_visible()
    expect(stop).to_be_hidden()


def expect_text_whatever_a_task_says(site: Site, page: Page, *others: Page) -> None:
    """Check the bar, the toast that appears when the bar is out of sight, and the inbox."""
    site.python(START_ATTACKS)
    page.goto(site.url + "/showcase/report/")
    for attack in ATTACKS:
        bar = page.locator("task-progress").filter(has=page.get_by_text(attack, exact=True))
        expect(bar).to_have_attribute("state", "failed", timeout=30_000)
        expect(bar.locator("[data-part=text]")).to_have_text(attack)
    titles = {f"“{attack}” failed" for attack in ATTACKS}
    pages = [page, *others]
    wait_until(lambda: titles & {title for one in pages for title in toasted(one)})
    assert [one.evaluate("window.attacked") for one in pages] == [None] * len(pages)
    page.goto(site.url + "/notifications/")
    for title in titles:
        expect(page.get_by_text(title, exact=True)).to_have_count(1)
    assert page.evaluate("window.attacked") is None


@pytest.mark.faults
def test_a_worker_that_is_killed_ends_the_bar_that_shows_its_job(
    people_of: Callable[[Site], People], site: Site, worker: CeleryWorker
) -> None:
    page = people_of(site)("alice", "/showcase/report/")
    site.python("""
        from django.contrib.auth import get_user_model
        from notifications_hub import start
        from showcase import tasks
        alice = get_user_model().objects.get(username="alice")
        start(tasks.write_report.s(), owner=alice, title="Lost", url="/showcase/report/")
    """)
    page.reload()
    bar = page.locator("task-progress").first
    wait_until(lambda: percent(bar) > 0)
    worker.kill()

    expect(bar.locator("[data-standing=lost]")).to_be_visible()
    expect(bar).to_have_attribute("state", "failed")
