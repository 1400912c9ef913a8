"""The nonce by which a content security policy allows a page's own scripts and styles."""

from __future__ import annotations

from django.http import HttpRequest


def nonce_of(request: HttpRequest | None) -> str:
    """Return the page's nonce, or an empty text on a site without one.

    django-csp calls it `csp_nonce`. Django's own middleware, since 6.0, calls it `_csp_nonce`. Both make it when it is
    first read, and put it into the header only if the policy mentions it.
    """
    for name in ("csp_nonce", "_csp_nonce"):
        if (nonce := getattr(request, name, None)) is not None:
            return str(nonce)
    return ""
