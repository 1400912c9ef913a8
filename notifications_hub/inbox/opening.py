"""The address that an announcement's link has in pages, pushes and mails. It records the click and leads on.

An address of this site works without a script, in a new tab, and in what a service or a mail program shows.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import AnnouncementState
from notifications_hub.inbox import queries
from notifications_hub.inbox.queries import ITEM_ID
from notifications_hub.inbox.visitor import person_of
from notifications_hub.notification import Notification
from notifications_hub.users import Person
from notifications_hub.web.prefetch import is_prefetch


@login_not_required
@require_safe
@cache_control(no_store=True, private=True)
def open_link(request: HttpRequest, item_id: str) -> HttpResponse:
    """Lead to the link of a person's notification. The first time counts as a click, unless it is only prefetched.

    A visitor who is not signed in may follow the link of a banner that they can see. Nobody counts as clicking then.
    """
    if not request.user.is_authenticated:
        link = _public_link(item_id)
        return HttpResponseRedirect(link) if link else redirect_to_login(request.get_full_path())
    row = _find(person_of(request), item_id)
    if row is None:
        raise Http404
    if row.clicked_at is None and request.method == "GET" and not is_prefetch(request):
        Notification.objects.filter(pk=row.pk).mark_as_clicked()
    return HttpResponseRedirect(_target(row) or reverse("notifications_hub:inbox"))


def _public_link(item_id: str) -> str:
    match = ITEM_ID.fullmatch(item_id)
    if match is None or not match[1]:
        return ""
    shown = Announcement.objects.banners().filter(is_banner_public=True, pk=int(match[2])).first()
    return shown.link.url if shown else ""


def _find(person: Person, item_id: str) -> Notification | None:
    """Return the row. A push that is still on the screen may be of an announcement that has ended since."""
    row = queries.find(person, item_id)
    match = ITEM_ID.fullmatch(item_id)
    if row is None and match is not None and match[1]:
        own = Notification.objects.visible().filter(recipient=person, announcement=int(match[2]))
        row = own.select_related("announcement").first()
    return row


def _target(row: Notification) -> str:
    """Return the link. A withdrawn announcement leads nowhere any more."""
    if row.announcement is None:
        return row.message().url
    is_withdrawn = row.announcement.state == AnnouncementState.WITHDRAWN
    return "" if is_withdrawn else row.announcement.target()
