"""The connections page in Chromium: all four kinds are measured at once, cut, and recover."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Request, expect

from tests.support.browser import People
from tests.support.site import Site

KINDS = ("ws", "sse", "poll", "plain-poll")
PAGE = "/showcase/connections/"
POLL_REQUEST_BYTES = 650
"""The approximate size of a poll request."""


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


def expect_done(page: Page) -> None:
    expect(page.locator("[data-part=one]")).not_to_have_attribute("aria-disabled", "true", timeout=30_000)


def figure(page: Page, name: str, kind: str) -> str:
    return page.locator(f".lab-table [data-figure={name}][data-kind={kind}]").inner_text()


def milliseconds(text: str) -> float:
    number, unit = text.split()
    return float(number.replace(",", "")) * (1_000 if unit == "s" else 1)


def bytes_of(text: str) -> float:
    number, unit = text.split()
    return float(number.replace(",", "")) * (1_000 if unit == "kB" else 1)


def expect_everything_arrived_once(page: Page, count: int) -> None:
    lines = page.locator("[data-part=said]").inner_text().splitlines()
    assert len(lines) == len(KINDS)
    for line in lines:
        assert f"{count} received, 0 missing, 0 repeated." in line, line


def test_all_four_connections_are_measured_and_recover_from_a_cut(page_for: People, site: Site) -> None:
    page = page_for("alice", "/healthz")
    started, finished = listen_for_polls(page)
    page.goto(site.url + PAGE)
    for kind in KINDS:
        expect(page.locator(f"[data-part=legend-{kind}]")).to_have_attribute("data-state", "live")
    page.get_by_role("button", name="Send one event").press("Enter")
    expect_done(page)
    expect(page.get_by_role("button", name="Send one event")).to_be_focused()
    expect_everything_arrived_once(page, 1)
    for kind in KINDS:
        assert 0 < milliseconds(figure(page, "largest", kind)) < 5_000
        assert page.locator(f".lab-series.is-{kind} .is-here").count() == 1
    largest = figure(page, "largest", "ws")

    page.get_by_role("button", name="Cut the network").click()
    for kind in KINDS:
        expect(page.locator(f"[data-part=legend-{kind}]")).to_have_attribute("data-state", "waiting")
    assert page.locator(".lab-series.is-ws .is-coming").count() > 0
    expect_done(page)
    expect_everything_arrived_once(page, 11)
    assert figure(page, "largest", "ws") == largest
    assert page.locator(".lab-cut").count() == 10
    assert [figure(page, "requests", kind) for kind in ("ws", "sse")] == ["2", "2"]
    expect_honest_bytes(page, started, finished)


def listen_for_polls(page: Page) -> tuple[list[Request], list[Request]]:
    """Return two lists that fill with the polls that start and those that finish from now on."""
    started: list[Request] = []
    finished: list[Request] = []
    page.on("request", lambda request: started.append(request) if is_poll_of_the_page(request) else None)
    page.on("requestfinished", lambda request: finished.append(request) if is_poll_of_the_page(request) else None)
    return started, finished


def is_poll_of_the_page(request: Request) -> bool:
    """Return whether the request is a poll by this page rather than by the bell."""
    return "/live/poll/" in request.url and "topic=lab" in request.url


def expect_honest_bytes(page: Page, started: list[Request], finished: list[Request]) -> None:
    """Compare the page's count and estimate for its polls with the sizes that the browser reports."""
    sizes = [size for request in finished for size in request.sizes().values() if isinstance(size, int)]
    # A poll that was cut or still waits has sent its request.
    real = sum(sizes) + (len(started) - len(finished)) * POLL_REQUEST_BYTES
    shown = sum(bytes_of(page.locator(f"[data-figure=bytes][data-kind={kind}]").inner_text()) for kind in KINDS[2:])
    assert 0.7 * real < shown < 1.5 * real


def test_the_page_explains_itself_without_scripts(page_for: People) -> None:
    page = page_for("bob", PAGE, java_script_enabled=False)
    expect(page.locator(".lab noscript .message")).to_be_visible()
    expect(page.locator(".lab-table tbody tr")).to_have_count(4)
    assert re.search(r"Short polling.+WSGI", page.locator(".lab-table").inner_text(), re.DOTALL)
