"""The current banners for a page's script, and the form that dismisses one."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseRedirect, JsonResponse
from django.urls import get_script_prefix
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from notifications_hub.announcements.banners import current
from notifications_hub.announcements.banners.dismissal import dismiss as dismiss_banner
from notifications_hub.announcements.banners.dismissal import remember, remembered
from notifications_hub.announcements.banners.rules import as_public_json
from notifications_hub.announcements.models import Announcement
from notifications_hub.inbox.visitor import person_of
from notifications_hub.web.site_paths import same_site_path

_ID = re.compile(r"a?(\d{1,18})", re.ASCII)


@login_not_required
@require_GET
@never_cache
def banners(request: HttpRequest) -> JsonResponse:
    """Answer with all current banners of the visitor as their events carry them, and the ids that they dismissed."""
    return JsonResponse(current_for(request))


def current_for(request: HttpRequest) -> dict[str, Any]:
    """Return all current banners of the visitor as JSON, and the ids that they dismissed."""
    found = current.sorted_for(request.user, stored, remembered(request)) if (stored := current.stored()) else None
    return {
        "banners": [_json(request, banner) for banner in found.shown] if found else [],
        "dismissed": [banner.item_id for banner in found.dismissed] if found else [],
    }


def dismiss_for(request: HttpRequest, response: HttpResponse, given: str) -> bool:
    """Dismiss a banner for the person, or by a cookie of the response. Return whether anything changed."""
    pk = _pk(given)
    if request.user.is_authenticated:
        return bool(pk) and dismiss_banner(person_of(request), pk)
    return bool(pk) and remember(request, response, pk)


def _json(request: HttpRequest, banner: Announcement) -> dict[str, Any]:
    return banner.item().as_json() if request.user.is_authenticated else as_public_json(banner)


# A visitor's page may come from a cache, so it has no token. Their banner is a matter of their browser alone.
@login_not_required
@csrf_exempt
@require_POST
@never_cache
def dismiss(request: HttpRequest) -> HttpResponse:
    """Dismiss the banner `id`, and redirect to the field `next`; answer 204 to a script.

    Another audience's banner, or one that is over, is answered like one that was just dismissed.
    """
    return _dismiss_for_person(request) if request.user.is_authenticated else _dismiss_for_visitor(request)


@csrf_protect
def _dismiss_for_person(request: HttpRequest) -> HttpResponse:
    return _dismissed(request)


def _dismiss_for_visitor(request: HttpRequest) -> HttpResponse:
    if not is_own_page(request):
        return HttpResponseForbidden(_("Another site may not dismiss a banner."))
    return _dismissed(request)


def _dismissed(request: HttpRequest) -> HttpResponse:
    response = _answer(request)
    dismiss_for(request, response, request.POST.get("id", ""))
    return response


def is_own_page(request: HttpRequest) -> bool:
    """Return whether one of this site's pages sends the form. Every browser names the origin of a form's page."""
    origin = request.headers.get("Origin", "")
    return not origin or urlsplit(origin).netloc == request.get_host()


def _pk(given: str) -> int:
    match = _ID.fullmatch(given)
    return int(match[1]) if match else 0


def _answer(request: HttpRequest) -> HttpResponse:
    if request.headers.get("Accept", "") == "application/json":
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    try:
        return HttpResponseRedirect(same_site_path(request.POST.get("next", "")) or get_script_prefix())
    except ValueError:
        return HttpResponseRedirect(get_script_prefix())
