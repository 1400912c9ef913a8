"""A log of JSON objects: the id of the request is in every line, from the server to the worker, and no secret is."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery
from notifications_hub.json_logs import JsonFormatter
from notifications_hub.request_ids import RequestIdFilter, as_request, current_request_id, middleware
from tests.inbox.support import send_one
from tests.support.live import cookie_of
from tests.support.processes import Program, wait_until
from tests.support.site import Site
from tests.support.warm import start_warm

StartSite = Callable[..., Site]


def records(log: str) -> list[Mapping[str, Any]]:
    """Return the lines of a log. Every one of them is a JSON object."""
    return [json.loads(line) for line in log.splitlines()]


# A request's id


def answer(given: str | None) -> tuple[str, str]:
    """Return the id that a view sees, and the one in the response."""
    seen: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(current_request_id())
        return HttpResponse()

    headers = {} if given is None else {"X-Request-ID": given}
    response = middleware(view)(RequestFactory(headers=headers).get("/"))
    return seen[0], response["X-Request-ID"]


def test_a_valid_id_is_kept_and_returned() -> None:
    assert answer("5f3c-abc.DEF:1") == ("5f3c-abc.DEF:1", "5f3c-abc.DEF:1")


@pytest.mark.parametrize("given", [None, "", "x" * 101, "two words", 'a"}', "a\tb", "é"])
def test_an_invalid_id_is_replaced(given: str | None) -> None:
    seen, returned = answer(given)
    assert seen == returned != given
    assert seen.isalnum()
    assert len(seen) == 32


# A line


def line(act: Callable[[logging.Logger], None]) -> Mapping[str, Any]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(RequestIdFilter())
    log = logging.getLogger("tests.json_logs")
    log.addHandler(handler)
    try:
        act(log)
    finally:
        log.removeHandler(handler)
    [record] = records(stream.getvalue())
    return record


def test_a_line_holds_its_message_its_extras_and_its_request() -> None:
    with as_request("abc"):
        found = line(lambda log: log.warning("%d of %s\nare late", 3, "ten", extra={"topic": "post.1", "level": "x"}))
    assert found["message"] == "3 of ten\nare late"
    assert (found["level"], found["logger"], found["topic"]) == ("WARNING", "tests.json_logs", "post.1")
    assert found["request_id"] == "abc"
    assert found["time"].endswith("+00:00")


def test_a_line_holds_the_traceback_of_an_exception() -> None:
    def fail(log: logging.Logger) -> None:
        try:
            raise OSError("no room")
        except OSError:
            log.exception("failed")

    assert "OSError: no room" in line(fail)["exc_info"]


def test_a_line_holds_no_request_which_may_name_a_token() -> None:
    request = RequestFactory().get("/live/poll/?cursor=secret-of-a-page")
    found = line(lambda log: log.warning("Not Found", extra={"request": request, "status_code": 404}))
    assert found["status_code"] == 404
    assert "secret-of-a-page" not in json.dumps(found)


# From the request to the worker


@pytest.mark.both_databases
def test_a_delivery_remembers_the_request_that_planned_it(alice: Any, bob: Any) -> None:
    with as_request("abc"):
        row = send_one(alice, bob)
        arming.arm([Plan(notification_pk=row.pk, transport="web_push", address="1")])
    assert Delivery.objects.get().origin == {"request_id": "abc"}


@pytest.fixture
def site(start_site: StartSite) -> Site:
    transports = {"web_push": None, "failing": "tests.ops.failing_transport.Failing"}
    return start_site(hub={"TRANSPORTS": transports, "ACK_WINDOW": 0, "EMBEDDED_WORKER": False}, LOG_FORMAT="json")


@pytest.fixture
def worker(site: Site, tmp_path: Path) -> Iterator[Program]:
    command = [sys.executable, "manage.py", "hub_worker"]
    worker = start_warm(command, log=tmp_path / "worker.log", environment=site.environment)
    yield worker
    worker.kill()


@pytest.mark.both_databases(short="sqlite")
def test_every_line_of_a_site_is_json_and_names_its_request(site: Site, worker: Program) -> None:
    for path, request_id in (("/?token=secret-of-a-page", "a-page"), ("/no-such-page/", "a-missing-page")):
        page = requests.get(site.url + path, headers={"X-Request-ID": request_id}, timeout=30)
        assert page.headers["X-Request-ID"] == request_id
    cookie = {"Cookie": cookie_of(site, "alice")}
    poll = f"{site.url}/live/poll/?wait=0&cursor=secret-of-a-page"
    assert (
        requests.get(poll, headers={**cookie, "X-Request-ID": "a-poll"}, timeout=30).headers["X-Request-ID"] == "a-poll"
    )
    found = records(site.log)
    for path, request_id in (("/no-such-page/", "a-missing-page"), ("/live/poll/", "a-poll")):
        assert {one.get("request_id") for one in found if path in one["message"]} == {request_id}
    assert "secret-of-a-page" not in site.log

    site.python("""
        from django.contrib.auth import get_user_model
        from notifications.signals import notify
        from notifications_hub.request_ids import as_request
        person = get_user_model().objects.get
        with as_request("a-poke"):
            notify.send(person(username="bob"), recipient=person(username="alice"), verb="poked")
    """)
    wait_until(lambda: "failed unexpectedly" in worker.log.read_text(), what="a failed delivery")
    lines = [line for line in worker.log.read_text().splitlines() if line.startswith("{")]
    failed = [one for one in records("\n".join(lines)) if "failed unexpectedly" in one["message"]]
    assert [one["request_id"] for one in failed] == ["a-poke"]
