"""The page of one announcement, for the people of its audience: the whole text, and the link to another site."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from notifications_hub import audiences
from notifications_hub.announcements.markdown import safe_html
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import AnnouncementState
from notifications_hub.inbox.visitor import person_of
from notifications_hub.notification import Notification
from notifications_hub.users import Person


@require_safe
@login_required
@cache_control(no_store=True, private=True)
def announcement(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the announcement, or kind words once it is over. To anyone outside its audience it does not exist."""
    person = person_of(request)
    # People chosen by hand leave their audience when it ends.
    was_chosen = Q(ends_at__lte=timezone.now(), audience__in=audiences.lists_of(person))
    announced = Announcement.objects.filter(pk=pk, announced_at__isnull=False)
    found = announced.filter(was_chosen | Q(audience__in=audiences.topics_of(person))).first()
    if found is None:
        raise Http404
    if found.is_over:
        over = {"title": _over(found)}
        return TemplateResponse(request, "notifications_hub/announcement_over.html", over, status=410)
    unread, acknowledged_at = _state(person, pk)
    context = {
        "message": found.message(),
        "body_html": safe_html(found.markdown()),
        "link": found.link,
        "at": found.announced_at,
        "unread": unread,
        "acknowledged_at": acknowledged_at,
        "unconfirmed": found.must_acknowledge and acknowledged_at is None,
    }
    return TemplateResponse(request, "notifications_hub/announcement.html", context)


def _over(found: Announcement) -> str:
    if found.state is AnnouncementState.WITHDRAWN:
        return _("This announcement was withdrawn")
    return _("This announcement has ended")


def _state(person: Person, pk: int) -> tuple[bool, datetime | None]:
    """Return whether the person has yet to read it, and when they confirmed it. Without a row they did neither."""
    rows = Notification.objects.filter(recipient=person, announcement=pk)
    return rows.values_list("unread", "acknowledged_at").first() or (True, None)
