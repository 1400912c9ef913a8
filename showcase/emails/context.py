"""The context of every page: whether it links to emails."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def keeps_emails(request: HttpRequest) -> dict[str, bool]:
    """Return whether this site keeps emails, so that its pages link to them."""
    return {"keeps_emails": bool(settings.EMAIL_FOLDER)}
