"""Reports of bounces and complaints, which stop an address."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings
from standardwebhooks import Webhook

from notifications_hub.inbox.email_views import MOST_BYTES, report
from notifications_hub.transports.email import reports
from notifications_hub.transports.email.models import StoppedEmail

pytestmark = pytest.mark.django_db

SECRET = "whsec_c2VjcmV0LW9mLXRoZS1tYWlsLXNlcnZpY2U="
BOUNCED = {"type": "email.bounced", "data": {"to": ["Alice@Example.com"]}}


@pytest.fixture(autouse=True)
def _with_secret(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "EMAIL_WEBHOOK_SECRET": SECRET}


def post(
    body: object, *, secret: str = SECRET, at: datetime | None = None, prefix: str = "webhook", name: str = ""
) -> HttpResponse:
    """Post a report as a mail service does, without a cookie."""
    text = body if isinstance(body, str) else json.dumps(body)
    at = at or datetime.now(UTC)
    name = name or uuid4().hex
    headers = {
        f"{prefix}-id": name,
        f"{prefix}-timestamp": str(int(at.timestamp())),
        f"{prefix}-signature": Webhook(secret).sign(name, at, text),
    }
    client: Any = Client(enforce_csrf_checks=True)
    answer: HttpResponse = client.post(
        "/notifications/email-reports/", text, content_type="application/json", headers=headers
    )
    return answer


def stopped() -> list[tuple[str, str]]:
    return list(StoppedEmail.objects.order_by("address").values_list("address", "reason"))


def test_a_bounce_and_a_complaint_stop_their_addresses() -> None:
    assert post(BOUNCED).status_code == 200
    assert post({"type": "email.complained", "data": {"to": ["bob@example.com"]}}).status_code == 200
    assert stopped() == [("alice@example.com", "bounced"), ("bob@example.com", "complained")]


def test_a_report_of_resend_has_the_headers_of_svix() -> None:
    assert post(BOUNCED, prefix="svix").status_code == 200
    assert post(BOUNCED, prefix="svix", secret="whsec_YW5vdGhlciBzZWNyZXQ=").status_code == 400
    assert stopped() == [("alice@example.com", "bounced")]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "email.delivered", "data": {"to": ["alice@example.com"]}},
        {"type": ["email.bounced"], "data": {"to": ["alice@example.com"]}},
        {"type": "email.bounced", "data": {"to": ["alice@example.com"], "bounce": {"type": "Transient"}}},
    ],
)
def test_other_reports_stop_nothing(body: object) -> None:
    assert post(body).status_code == 200
    assert stopped() == []


@pytest.mark.parametrize("body", ["{", "[]", {"type": "email.bounced", "data": {"to": [7]}}])
def test_a_malformed_report_is_refused(body: object) -> None:
    assert post(body).status_code == 400
    assert stopped() == []


def test_a_report_with_another_signature_is_refused() -> None:
    assert post(BOUNCED, secret="whsec_YW5vdGhlciBzZWNyZXQ=").status_code == 400
    assert stopped() == []


def test_an_old_report_is_refused() -> None:
    assert post(BOUNCED, at=datetime.now(UTC) - timedelta(hours=1)).status_code == 400
    assert stopped() == []


@pytest.mark.parametrize("prefix", ["webhook", "svix"])
def test_a_report_that_comes_again_does_not_undo_try_again(prefix: str) -> None:
    name = uuid4().hex
    post(BOUNCED, prefix=prefix, name=name)
    StoppedEmail.objects.all().delete()
    assert post(BOUNCED, prefix=prefix, name=name, at=datetime.now(UTC) - timedelta(minutes=1)).status_code == 200
    assert stopped() == []
    post(BOUNCED, prefix=prefix)
    assert stopped() == [("alice@example.com", "bounced")]


def test_a_cache_that_fails_loses_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def get(self, *_given: object) -> None:
            raise ConnectionError

        set = get

    monkeypatch.setattr(reports, "cache", Broken())
    assert post(BOUNCED).status_code == 200
    assert stopped() == [("alice@example.com", "bounced")]


def test_a_report_without_a_length_is_read_no_further_than_allowed() -> None:
    sent = BytesIO(b"x" * (2 * MOST_BYTES))
    scope = {"type": "http", "method": "POST", "path": "/notifications/email-reports/", "headers": []}
    assert report(ASGIRequest(scope, sent)).status_code == 413
    assert sent.tell() <= MOST_BYTES + 1


def test_a_site_without_a_secret_takes_no_reports(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "EMAIL_WEBHOOK_SECRET": ""}
    assert post(BOUNCED).status_code == 404
    assert stopped() == []


def test_the_signal_of_anymail_stops_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    from anymail.signals import AnymailTrackingEvent, tracking

    monkeypatch.setattr(apps, "is_installed", lambda name: name == "anymail")
    reports.connect()
    try:
        for kind, reason, address in (
            ("bounced", "invalid", "alice@example.com"),
            ("bounced", "other", "full@example.com"),
            ("complained", None, "bob@example.com"),
            ("opened", None, "charlie@example.com"),
        ):
            event = AnymailTrackingEvent(event_type=kind, recipient=address, reject_reason=reason)
            tracking.send(sender=object, event=event, esp_name="Test")
    finally:
        tracking.disconnect(dispatch_uid="notifications_hub.email_reports")
    assert stopped() == [("alice@example.com", "bounced"), ("bob@example.com", "complained")]


@pytest.fixture
def anymail(settings: Settings) -> Iterator[None]:
    """A site with django-anymail and its webhooks."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "anymail"]
    settings.ANYMAIL = {"WEBHOOK_SECRET": "hub:secret", "MAILGUN_WEBHOOK_SIGNING_KEY": "signing-key"}
    settings.ROOT_URLCONF = "anymail.urls"
    reports.connect()
    yield
    from anymail.signals import tracking

    tracking.disconnect(dispatch_uid="notifications_hub.email_reports")


def postmark(kind: str, address: str, *, secret: str = "hub:secret") -> int:
    report = {"RecordType": "Bounce", "Type": kind, "TypeCode": 1, "Email": address, "MessageID": "1", "ID": 1}
    return post_by_anymail("postmark", report, secret)


def post_by_anymail(service: str, report: object, secret: str = "hub:secret") -> int:
    authorized = "Basic " + b64encode(secret.encode()).decode()
    given: dict[str, Any] = {"content_type": "application/json", "headers": {"Authorization": authorized}}
    return Client().post(f"/{service}/tracking/", json.dumps(report), **given).status_code


def test_a_report_of_postmark_by_anymail_stops_an_address_unless_the_bounce_passes(anymail: None) -> None:
    assert postmark("HardBounce", "alice@example.com") == 200
    assert postmark("SoftBounce", "full@example.com") == 200
    assert stopped() == [("alice@example.com", "bounced")]


def test_a_report_by_anymail_without_its_secret_is_refused(anymail: None) -> None:
    assert postmark("HardBounce", "alice@example.com", secret="hub:guess") == 400
    assert stopped() == []


@pytest.mark.parametrize(("key", "found"), [("signing-key", [("alice@example.com", "bounced")]), ("guess", [])])
def test_a_report_of_mailgun_by_anymail_is_signed(anymail: None, key: str, found: list[tuple[str, str]]) -> None:
    moment, token = str(int(datetime.now(UTC).timestamp())), "token"
    signature = hmac.new(key.encode(), f"{moment}{token}".encode(), "sha256").hexdigest()
    event: dict[str, Any] = {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "recipient": "alice@example.com",
    }
    event |= {"timestamp": float(moment), "id": "1", "message": {"headers": {"message-id": "1"}}}
    event |= {"delivery-status": {"code": 550}}
    report = {"signature": {"timestamp": moment, "token": token, "signature": signature}, "event-data": event}
    post_by_anymail("mailgun", report)
    assert stopped() == found


@pytest.mark.parametrize(
    ("raw", "is_soft"),
    [
        ({"bounce": {"bounceType": "Permanent"}}, False),  # Amazon SES
        ({"bounce": {"bounceType": "Transient"}}, True),
        ({"event": "hard_bounce"}, False),  # Brevo, Mandrill
        ({"event": "soft_bounce"}, True),
        ({"type": "activity.soft_bounced"}, True),  # MailerSend
        ({"event": "bounce", "hard_bounce": True}, False),  # Mailjet
        ({"event": "bounce", "hard_bounce": False}, True),
        ({"event": "bounce", "type": "bounce"}, False),  # SendGrid
        ({"event": "bounce", "type": "blocked"}, True),
        ({"msys": {"message_event": {"type": "bounce", "bounce_class": "10"}}}, False),  # SparkPost
        ({"msys": {"message_event": {"type": "bounce", "bounce_class": "22"}}}, True),
        ({"type": "email.bounced", "data": {"bounce": {"type": "Transient"}}}, True),  # Resend
    ],
)
def test_a_bounce_that_passes_is_told_by_each_services_own_words(anymail: None, raw: object, is_soft: bool) -> None:
    from anymail.signals import AnymailTrackingEvent, tracking

    given = {"recipient": "alice@example.com", "reject_reason": "bounced", "esp_event": raw}
    tracking.send(sender=object, event=AnymailTrackingEvent(event_type="bounced", **given), esp_name="Test")
    assert stopped() == ([] if is_soft else [("alice@example.com", "bounced")])
