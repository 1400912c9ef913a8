"""Requests for a page that nobody looks at yet: a browser or a script loads it in case a person goes there."""

from __future__ import annotations

from django.http import HttpRequest

_PURPOSES = ("Sec-Purpose", "X-Sec-Purpose", "Purpose", "X-Moz", "X-Purpose")


def is_prefetch(request: HttpRequest) -> bool:
    purposes = [request.headers.get(name, "") for name in _PURPOSES]
    return "HX-Preloaded" in request.headers or any("prefetch" in one or "preview" in one for one in purposes)
