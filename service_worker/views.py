"""Views of the worker and the manifest, which must be served from the root, outside `STATIC_URL`."""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import get_script_prefix
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

SCRIPTS = Path(__file__).parent / "static" / "service_worker"


@login_not_required
@require_safe
@cache_control(no_cache=True)
def worker(request: HttpRequest) -> HttpResponse:
    """Return both scripts as one, because browsers check only the worker's own URL for updates on every visit."""
    script = b"\n".join((SCRIPTS / name).read_bytes() for name in ("push.js", "sw.js"))
    response = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    response["Service-Worker-Allowed"] = get_script_prefix()
    return response


@login_not_required
@require_safe
@cache_control(max_age=3600)
def manifest(request: HttpRequest) -> HttpResponse:
    """Return the web app manifest, which makes the site installable; iPhones require that for pushes.

    Override the template to use a name and icons of your own.
    """
    return TemplateResponse(
        request,
        "service_worker/manifest.webmanifest",
        {"folder": get_script_prefix()},
        content_type="application/manifest+json; charset=utf-8",
    )
