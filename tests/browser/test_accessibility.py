"""axe finds nothing on any page and in any state: in light and dark, on a desktop and on a phone's width.

Each look takes half a second of a core. So bin/test sees each page in one look, by turns, and in one state, if the
states share its template: a form with its error, a page in Chinese. Of a page that it has seen whole, it sees only the
part whose state differs. It leaves out what test_every_page.py sees too, there or in `make exhaustive`. A look at the
page about the API takes three seconds, so bin/test leaves three routes in each of its sections. `make exhaustive` sees
all pages whole, in all states and in both looks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.axe import CONTEXT, LOOKS, findings
from tests.support.full import FULL
from tests.support.site import Site

if TYPE_CHECKING:
    from tests.support.browser import People

pytestmark = [pytest.mark.exhaustive, pytest.mark.faults(short=True)]

PeopleOf = Callable[[Site], "People"]
Axe = Callable[..., list[str]]

SHORTEN = "for (const one of document.querySelectorAll('.nh-api article:nth-of-type(n + 4)')) one.remove()"
NOTHING = "/healthz"
"""An address that costs nothing, for a page that first needs something else."""


@pytest.fixture
def site(site_of_every_state: Site) -> Site:
    return site_of_every_state


@pytest.fixture
def visit(people_of: PeopleOf, site: Site) -> Callable[..., Page]:
    """Open pages that axe can run in: `visit("alice", "/notifications/")`."""
    people = people_of(site)
    return lambda username, path: people(username, path, **CONTEXT)


@pytest.fixture
def axe() -> Axe:
    """Return what is found on the page as it is now: in one look by turns, or in both with `FULL=1`.

    `axe(page, part)` looks only at a part of it, and with `FULL=1` at the whole page.
    """
    turns = cycle([LOOKS] if FULL else [[look] for look in LOOKS])
    return lambda page, part="": findings(page, next(turns), "" if FULL else part)


def collect(axe: Axe, page: Page, site: Site, paths: list[str]) -> list[str]:
    """Return the findings on these pages, each with its path."""
    found: list[str] = []
    for path in paths:
        answer = page.goto(site.url + path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"
        if not FULL:
            page.evaluate(SHORTEN)
        found += [f"{path}: {finding}" for finding in axe(page)]
    return found


def test_pages_for_visitors_pass(visit: Callable[..., Page], site: Site, axe: Axe) -> None:
    page = visit(None, NOTHING)
    paths = ["/", "/accounts/signup/", "/showcase/connections/", "/admin/login/"]
    found = collect(axe, page, site, [*paths, *(["/accounts/login/"] if FULL else [])])
    page.goto(f"{site.url}/accounts/login/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found += axe(page)

    assert found == []


def test_pages_of_errors_pass(visit: Callable[..., Page], site: Site, axe: Axe) -> None:
    pages = json.loads(
        site.python("""
            import json
            from django.contrib.auth.models import AnonymousUser
            from django.test import Client, RequestFactory, override_settings
            from django.views import csrf, defaults
            from accounts.throttles import too_many

            request = RequestFactory().get("/", headers={"accept": "text/html"})
            request.user, request.session = AnonymousUser(), {}
            with override_settings(DEBUG=False):
                answers = [
                    Client().get("/no-such-page/", headers={"host": "127.0.0.1"}),
                    defaults.permission_denied(request, Exception()),
                    csrf.csrf_failure(request),
                    too_many(request, 60),
                    defaults.server_error(request),
                ]
            print(json.dumps([answer.content.decode() for answer in answers]))
        """)
    )
    page = visit(None, NOTHING)
    found: list[str] = []
    page.route("**/error-page/*", lambda route: route.fulfill(body=pages[int(route.request.url[-1])]))
    # Two differ from the first one in their words alone.
    for number in range(0, len(pages), 1 if FULL else 2):
        page.goto(f"{site.url}/error-page/{number}")
        found += [f"{page.title()}: {finding}" for finding in axe(page)]

    assert found == []
    assert len(pages) == 5


def test_pages_for_people_pass(visit: Callable[..., Page], site: Site, axe: Axe) -> None:
    paths = ["/showcase/chat/", "/showcase/report/", "/api/v1/docs/"]
    if FULL:
        paths += ["/", "/notifications/?show=unread&q=bob", "/notifications/?show=archived&before=9999999999999999.1"]
        paths += ["/accounts/profile/", "/accounts/password/", "/showcase/connections/", "/posts/1/"]
        paths += ["/notifications/", "/notifications/preferences/", "/notifications/following/"]
    found = collect(axe, visit("alice", NOTHING), site, paths)
    in_chinese = ["/", *(["/notifications/", "/notifications/preferences/", "/posts/1/"] if FULL else [])]
    found += collect(axe, visit("bob", NOTHING), site, in_chinese)

    assert found == []


def test_the_inbox_with_a_selection_and_the_history_of_a_notification_pass(
    visit: Callable[..., Page], axe: Axe
) -> None:
    page = visit("alice", "/notifications/")
    page.locator("input[name=ids]").first.check()
    found = axe(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    found += axe(page, "dialog[open]")
    page.keyboard.press("Escape")
    page.context.set_offline(True)
    expect(page.locator("inbox-page [data-part=connection]")).to_be_visible()
    found += axe(page, "inbox-page [data-part=connection]")
    page.context.set_offline(False)
    if FULL:
        page.locator(".nh-why").last.click()
        found += axe(page)

    assert found == []


def test_an_empty_inbox_and_preferences_without_a_browser_pass(
    visit: Callable[..., Page], site: Site, axe: Axe
) -> None:
    page = visit("charlie", NOTHING)
    found = collect(axe, page, site, ["/notifications/?q=walrus&tab=Conversations"])
    page.goto(f"{site.url}/notifications/preferences/")
    expect(page.locator(".nh-idle-note")).to_be_visible()
    found += axe(page, ".nh-idle-note, .nh-idle")

    assert found == []


def test_forms_with_an_error_pass(visit: Callable[..., Page], axe: Axe) -> None:
    page = visit("alice", "/posts/1/")
    page.locator("#reply form").evaluate("form => form.submit()")
    expect(page.locator(".errorlist")).to_be_visible()
    found = axe(page)
    page = visit("alice", "/accounts/password/")
    page.locator("form:has([type=password])").evaluate("form => form.submit()")
    expect(page.locator(".errorlist").first).to_be_visible()
    found += axe(page)

    assert found == []


def test_a_room_with_its_members_passes(visit: Callable[..., Page], site: Site, axe: Axe) -> None:
    slug = site.python("from showcase.chat.models import Message; print(Message.objects.first().room.slug)").strip()
    page = visit("alice", f"/showcase/chat/{slug}/")
    found = axe(page)
    page.locator("[data-part=members] summary").click()
    found += axe(page, "[data-part=members]")

    assert found == []


def emptied(route: Route) -> None:
    answer = route.fetch()
    shown = {name: value for name, value in answer.json().items() if name != "unconfirmed"}
    route.fulfill(response=answer, json={**shown, "results": []})


PANELS: dict[str, Callable[[Route], None]] = {
    "list": lambda route: route.continue_(),
    "empty": emptied,
    "failed": lambda route: route.abort(),
    "loading": lambda route: None,
}


def test_the_panel_passes_in_every_state(visit: Callable[..., Page], site: Site, axe: Axe) -> None:
    """Leave the states without rows to the gallery without `FULL=1`."""
    page = visit("alice", NOTHING)
    found = []
    for state, answer in (PANELS if FULL else dict(list(PANELS.items())[:1])).items():
        page.route(re.compile("/api/v1/notifications/([?].*)?$"), answer)
        page.goto(f"{site.url}/accounts/profile/")
        page.locator("notification-bell button").first.click()
        expect(page.locator(f"notification-bell [data-part={state}]")).to_be_visible()
        part = "" if state == "list" else "notification-bell"
        found += [f"{state}: {finding}" for finding in axe(page, part)]
        page.unroute_all()

    assert found == []


def test_toasts_pass(visit: Callable[..., Page], site: Site, axe: Axe) -> None:
    page = visit("charlie", "/accounts/profile/")
    expect(page.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "live")
    site.python("""
        for level in ("success", "warning", "error"):
            notify.send(bob, recipient=charlie, verb="replied", level=level, description="Water, please.", url="/")
    """)
    expect(page.locator("toast-stack .nh-toast")).to_have_count(3)
    page.locator("toast-stack .nh-toast").first.hover()

    assert [*axe(page, "toast-stack"), *axe(page, "toast-stack")] == []


HUB = "/admin/notifications_hub/"
_USE = """
    from django.utils import timezone
    from notifications_hub.models import KindUse, UseSum
    of_day = {"day": timezone.localdate(), "kind": "of.tests"}
    KindUse.objects.create(**of_day, method="", age=0, number=100)
    KindUse.objects.create(**of_day, method="live", age=168, number=90, seen=60, opened=50, ignored=80)
    UseSum.objects.create(**of_day, what="off", method="email", detail="one_click", number=25)
    UseSum.objects.create(**of_day, what="acted", detail="approve", number=3)
"""


def test_lists_in_the_admin_pass(visit: Callable[..., Page], site: Site, axe: Axe) -> None:
    paths = ["/admin/", f"{HUB}notification/?kind=default&q=alice", f"{HUB}kinduse/?days=7"]
    site.python(_USE)
    if FULL:
        lists = ("announcement", "delivery", "notification", "pushsubscription", "stream", "job")
        paths += [HUB, *(f"{HUB}{name}/" for name in lists)]
        paths += ["/admin/accounts/user/", "/admin/auth/group/", "/admin/showcase/post/", "/admin/showcase/room/"]
    page = visit("admin", NOTHING)
    found = collect(axe, page, site, paths)
    if FULL:
        site.python("User.objects.filter(username='admin').update(language='zh-hans')")
        found += collect(axe, page, site, ["/admin/", f"{HUB}notification/"])
        expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
        site.python("User.objects.filter(username='admin').update(language='en')")

    assert found == []


@pytest.mark.faults
def test_rows_in_the_admin_pass(visit: Callable[..., Page], site: Site, axe: Axe) -> None:
    paths: list[str] = json.loads(
        site.python("""
            import json
            from notifications_hub.delivery.models import Delivery
            from notifications_hub.streams.models import Stream
            from showcase.chat.models import Message
            from django.urls import reverse
            rows = [
                Delivery.objects.latest("pk"), running, PushSubscription.objects.first(), Stream.objects.first(),
                Job.objects.first(), alice, group, Post.objects.first(), Message.objects.first().room,
            ]
            print(json.dumps([
                reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]) for row in rows
            ]))
        """)
    )
    notification = site.python("print(rows[0].notification_id)").strip()
    paths += [f"{HUB}notification/{notification}/{name}/" for name in ("change", "history")]
    page = visit("admin", NOTHING)

    assert collect(axe, page, site, paths) == []


def test_forms_in_the_admin_pass(visit: Callable[..., Page], site: Site, axe: Axe) -> None:
    announcement, person, group = (site.python(f"print({name}.pk)").strip() for name in ("running", "charlie", "group"))
    paths = [f"{HUB}announcement/{announcement}/{page}/" for page in ("withdraw", "approval")]
    paths += [f"/admin/accounts/user/{person}/password/"]
    if FULL:
        paths += [f"{HUB}announcement/{announcement}/history/", f"/admin/accounts/user/{person}/delete/"]
        paths += [f"/admin/auth/group/{group}/delete/", "/admin/auth/group/add/", "/admin/accounts/user/add/"]
        paths += ["/admin/showcase/post/add/", "/admin/password_change/"]
    page = visit("admin", NOTHING)

    assert collect(axe, page, site, paths) == []


def test_the_form_and_the_preview_of_an_announcement_pass(visit: Callable[..., Page], axe: Axe) -> None:
    page = visit("admin", f"{HUB}announcement/add/")
    page.get_by_text("Add another").click()
    page.locator("#id_body").fill("We **move**.")
    page.get_by_role("button", name="Announce").click()
    expect(page.locator(".errornote")).to_be_visible()
    found = axe(page)
    page.locator("#id_title").fill("Closed")
    expect(page.locator(".hub-preview .nh-title")).to_have_text("Closed")
    found += axe(page, ".hub-preview")
    in_this_tab = "button => { button.formTarget = ''; button.form.requestSubmit(button); }"
    page.locator("[formaction$='/preview/']").evaluate(in_this_tab)
    expect(page.locator(".hub-preview-alone")).to_be_visible()
    found += axe(page)

    assert found == []


def test_the_main_columns_of_the_list_of_notifications_fit_beside_its_filters(visit: Callable[..., Page]) -> None:
    page = visit("admin", f"{HUB}notification/")
    widths = {
        1280: ["title", "recipient", "timestamp", "delivered", "deliveries_badges"],
        1024: ["title", "recipient", "timestamp", "delivered"],
        320: ["title", "recipient", "delivered"],
    }
    assert_columns_fit(page, widths)


def test_the_main_columns_of_the_list_of_announcements_fit_beside_its_filters(
    visit: Callable[..., Page], site: Site
) -> None:
    site.python("""
        from datetime import timedelta
        from django.utils import timezone
        from notifications_hub import Banner, broadcast
        from notifications_hub.models import Announcement
        planned = broadcast(title="The lift on the left is out of order", banner=Banner(is_public=True),
                            starts_at=timezone.now() + timedelta(days=1))
        Announcement.objects.filter(pk=planned.pk).update(awaits_approval=True)
    """)
    page = visit("admin", f"{HUB}announcement/")
    expect(page.get_by_text("banner · also for visitors")).to_be_visible()
    widths = {
        1280: ["title", "state_and_banner", "audience_words", "runs", "read_by"],
        1024: ["title", "state_and_banner", "read_by"],
        375: ["title", "state_and_banner", "read_by"],
    }
    assert_columns_fit(page, widths)
    site.python("planned.delete()")


def assert_columns_fit(page: Page, widths: Mapping[int, Sequence[str]]) -> None:
    """Assert that these columns of a list are shown at each width, and that nothing is out of sight."""
    for width, columns in widths.items():
        page.set_viewport_size({"width": width, "height": 900})
        for column in columns:
            expect(page.locator(f"th.column-{column}")).to_be_visible()
        overflow = page.locator(".results").evaluate("results => results.scrollWidth - results.clientWidth")
        assert overflow <= 0, f"{width} px: {overflow} px are out of sight"
