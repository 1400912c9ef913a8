"""T40: people mark everything as read in three tabs, again and again, while notifications arrive."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.browser.test_connections import expect_badges, wait_until_live, wave
from tests.browser.test_panel import open_panel
from tests.faults.figures import record
from tests.faults.producer import Order
from tests.support.browser import People
from tests.support.full import FULL
from tests.support.processes import ROOT, wait_until
from tests.support.site import Site

pytestmark = pytest.mark.faults(short=True)

SECONDS, RATE = (20, 100) if FULL else (3, 40)
START = """(every) => {
    const badge = document.querySelector("notification-bell button [data-part=badge]");
    const isMarkAll = (button) => button.textContent.trim() === "Mark all as read" && button.checkVisibility();
    window.seen = [];
    window.clicks = 0;
    const look = () => badge.hidden || window.seen.push(badge.textContent.trim());
    const everything = { attributes: true, characterData: true, childList: true, subtree: true };
    new MutationObserver(look).observe(badge, everything);
    window.marking = setInterval(() => {
        const button = [...document.querySelectorAll("notification-bell button")].find(isMarkAll);
        window.clicks += button ? 1 : 0;
        button?.click();
    }, every);
}"""
STOP = "() => { clearInterval(window.marking); return [window.seen, window.clicks]; }"
NUMBER = re.compile(r"\d+\+?")


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


def test_no_badge_is_negative_or_stays_wrong(page_for: People, site: Site, tmp_path: Path) -> None:
    tabs = [page_for("alice") for _ in range(3)]
    wait_until_live(*tabs)
    for number, tab in enumerate(tabs):
        open_panel(tab)
        tab.evaluate(START, 300 + 70 * number)
    order = Order(str(tmp_path), ["alice"], RATE, SECONDS)
    command = [sys.executable, "-m", "tests.faults.producer", json.dumps(asdict(order))]
    producer = subprocess.Popen(command, cwd=ROOT, env=site.environment, stdout=subprocess.PIPE, text=True)
    while producer.poll() is None:
        tabs[0].wait_for_timeout(100)
    arrived = json.loads(producer.communicate()[0])["acknowledged"]
    watched = [tab.evaluate(STOP) for tab in tabs]
    wave(site, 3)

    unread = "print(person(username='alice').notifications.unread().filter(archived_at=None).count())"
    wait_until(lambda: counted(site, "alice") == int(site.python(unread)), what="the count of the API")
    expect_badges(counted(site, "alice"), *tabs)
    texts = {text for seen, _clicks in watched for text in seen}
    wrong = [text for text in texts if not NUMBER.fullmatch(text)]
    clicks = sum(clicks for _seen, clicks in watched)
    record("T40 badges", arrived=arrived + 3, clicks=clicks, badges_seen=len(texts), wrong_badges=len(wrong))
    assert clicks > 3
    assert wrong == []


def counted(site: Site, username: str) -> int:
    """Return the number of unread ones that the API counts for a person."""
    return int(site.visitor(username).get("/api/v1/notifications/count/").json()["unread"])
