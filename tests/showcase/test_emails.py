"""The page of the emails that bin/run keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django
import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from showcase.emails import folder
from showcase.emails.folder import FolderBackend, kept_emails

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _kept(settings: Settings, tmp_path: Path) -> None:
    settings.DEBUG, settings.EMAIL_FOLDER = True, str(tmp_path / "emails")


def keep(*subjects: str) -> None:
    emails = []
    for subject in subjects:
        email = EmailMultiAlternatives(subject, f"{subject} as text", "hub@example.com", ["alice@example.com"])
        html = f"<head></head><b>{subject}</b><script>alert(1)</script>"
        email.attach_alternative(html, "text/html")
        emails.append(email)
    alias: Any = {"alias": "default"} if django.VERSION >= (6, 1) else {}
    FolderBackend(**alias).send_messages(emails)


def test_the_page_shows_the_newest_email(client: Client, alice: User) -> None:
    keep("First", "Second")
    client.force_login(alice)
    page = client.get("/showcase/emails/").content.decode()
    assert page.index("Second") < page.index("First")
    assert "Second as text" in page


def test_the_html_runs_nothing(client: Client, alice: User) -> None:
    keep("First")
    client.force_login(alice)
    [email] = kept_emails()
    answer = client.get(f"/showcase/emails/{email.name}/html/")
    assert "<b>First</b>" in answer.content.decode()
    policy = "sandbox allow-top-navigation-by-user-activation; default-src 'none'"
    assert answer["Content-Security-Policy"].startswith(policy)
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_the_links_of_an_email_leave_its_frame(client: Client, alice: User) -> None:
    keep("First")
    client.force_login(alice)
    [email] = kept_emails()
    assert '<head><base target="_top"></head>' in client.get(f"/showcase/emails/{email.name}/html/").content.decode()
    assert 'sandbox="allow-top-navigation-by-user-activation"' in client.get("/showcase/emails/").content.decode()


def test_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "KEPT", 2)
    keep("First", "Second", "Third")
    assert [one.subject for one in kept_emails()] == ["Third", "Second"]


@pytest.mark.parametrize("name", ["nothing", "..", "20261129-171918056830-07ebb370"])
def test_an_unknown_email_is_missing(client: Client, alice: User, name: str) -> None:
    client.force_login(alice)
    assert client.get(f"/showcase/emails/{name}/").status_code == 404


def test_other_sites_have_no_such_page(client: Client, alice: User, settings: Settings) -> None:
    keep("First")
    client.force_login(alice)
    settings.DEBUG = False
    assert client.get("/showcase/emails/").status_code == 404


def test_strangers_see_nothing(client: Client) -> None:
    keep("First")
    assert client.get("/showcase/emails/").status_code == 302
