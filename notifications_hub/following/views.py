"""The page of what a person follows, and the form of every follow button. They work without JavaScript."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from notifications_hub.following.button import FollowButton, muted_words
from notifications_hub.following.changes import Change, FollowRefused, make
from notifications_hub.following.followed import BadReference, Followed
from notifications_hub.following.follows import Standing
from notifications_hub.following.listing import BadPage, page_of
from notifications_hub.inbox.visitor import person_of
from notifications_hub.web.site_paths import same_site_path

MUTES = {"mute-day": timedelta(days=1), "mute-week": timedelta(days=7)}

_private = cache_control(no_store=True, private=True)


@require_safe
@login_required
@_private
def following(request: HttpRequest) -> HttpResponse:
    try:
        page = page_of(person_of(request), request.GET.get("before", ""))
    except BadPage as error:
        raise BadRequest(str(error)) from None
    things = [(one, FollowButton.of(request, one.followed, one.standing)) for one in page.things]
    context = {"things": things, "next": page.next, "is_first": "before" not in request.GET}
    return TemplateResponse(request, "notifications_hub/following.html", context)


@require_POST
@login_required
@_private
def change(request: HttpRequest) -> HttpResponseRedirect:
    """Apply `action` to `object`, say so, and redirect to `next`."""
    action = request.POST.get("action", "")
    until = datetime.now(UTC) + MUTES[action] if action in MUTES else None
    try:
        followed = Followed.from_reference(request.POST.get("object", ""))
        standing = make(person_of(request), followed, Change("mute" if action in MUTES else action), until)
    except FollowRefused as refused:
        messages.error(request, str(refused))
    except (BadReference, ValueError) as error:
        raise BadRequest(str(error)) from None
    else:
        messages.success(request, _words(action, standing))
    return HttpResponseRedirect(_next(request))


def _words(action: str, standing: Standing) -> str:
    if action == Change.FOLLOW:
        return _("You follow it now.")
    if action == Change.UNFOLLOW:
        return _("You don't follow it any more.")
    return muted_words(standing) or _("You'll hear about it again.")


def _next(request: HttpRequest) -> str:
    try:
        return same_site_path(request.POST.get("next", "")) or reverse("notifications_hub:following")
    except ValueError:
        return reverse("notifications_hub:following")
