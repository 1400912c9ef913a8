"""The access rule of pages for developers of a site: for staff, and with `DEBUG` for everyone without an account."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse


def ask_to_sign_in(request: HttpRequest) -> HttpResponse | None:
    """Return a redirect for a visitor, or None for anyone who may see the page. Raise `PermissionDenied` otherwise."""
    person = getattr(request, "user", None)
    if settings.DEBUG or (getattr(person, "is_staff", False) and getattr(person, "is_active", True)):
        return None
    if person is not None and person.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.get_full_path())
