"""The page of kept emails. It is there only under bin/run, where everybody knows the passwords."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from showcase.chat.visitor import private
from showcase.emails.folder import KeptEmail, kept_email, kept_emails

_POLICY = (
    "sandbox allow-top-navigation-by-user-activation; default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'"
)
"""An email has its styles inside, and runs nothing. Its links may replace the page."""
_LINKS = '<base target="_top">'
"""The site's pages are shown in no frame."""


@require_safe
@login_required
@private
def emails_page(request: HttpRequest, name: str = "") -> HttpResponse:
    """List the emails, and show one of them: the newest if none is named."""
    _check_kept()
    emails = kept_emails()
    shown = _find(name) if name else next(iter(emails), None)
    return render(request, "showcase/emails/page.html", {"emails": emails, "shown": shown})


@require_safe
@login_required
@private
@xframe_options_sameorigin
def email_html(request: HttpRequest, name: str) -> HttpResponse:
    """Return the HTML of an email, for a frame of the page."""
    _check_kept()
    html = _find(name).html.replace("<head>", f"<head>{_LINKS}", 1)
    return HttpResponse(html, headers={"Content-Security-Policy": _POLICY})


def _check_kept() -> None:
    if not (settings.DEBUG and settings.EMAIL_FOLDER):
        raise Http404


def _find(name: str) -> KeptEmail:
    found = kept_email(name)
    if found is None:
        raise Http404
    return found
