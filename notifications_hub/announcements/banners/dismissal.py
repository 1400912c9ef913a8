"""Dismiss a banner: a person by a row, on all of their pages, and a visitor who is not signed in by a cookie."""

from __future__ import annotations

import re
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from notifications_hub import audiences, streams
from notifications_hub.announcements.banners import current
from notifications_hub.announcements.banners.models import BannerDismissal
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.results.models import What
from notifications_hub.announcements.results.tallies import tally_one
from notifications_hub.database import transaction
from notifications_hub.streams import NewEvent, inbox_topic
from notifications_hub.users import Person

COOKIE = "hub_banners"
"""The primary keys of the banners that a visitor dismissed, joined by dots. Scripts read it too."""
_MOST_IN_COOKIE = 30
_KEY = re.compile(r"\d{1,18}", re.ASCII)


def dismiss(person: Person, pk: int) -> bool:
    """Dismiss a banner for a person, on all of their pages. Return whether anything changed.

    One that is over, that is for others or that cannot be dismissed is left alone.
    """
    topics = audiences.topics_of(person)
    banner = Announcement.objects.banners().filter(pk=pk, is_banner_dismissable=True, audience__in=topics).first()
    if banner is None:
        return False
    with transaction.atomic():
        _row, is_new = BannerDismissal.objects.get_or_create(person=person, announcement=banner)
        if is_new:
            event = NewEvent(inbox_topic(person.pk), "announcement.dismissed", {"ids": [banner.item_id]})
            streams.append_many([event])
            tally_one(What.DISMISSED, banner.pk)
    return is_new


def remembered(request: HttpRequest) -> list[int]:
    """Return the primary keys in a visitor's cookie. A strange cookie lists none."""
    keys = request.COOKIES.get(COOKIE, "").split(".", _MOST_IN_COOKIE)[:_MOST_IN_COOKIE]
    return [int(key) for key in keys if _KEY.fullmatch(key)]


def remember(request: HttpRequest, response: HttpResponse, pk: int) -> bool:
    """Add a banner to a visitor's cookie, which lists only current ones and ends with the last of them.

    Return whether it is a current one that was not in the cookie.
    """
    before = remembered(request)
    keys = {pk, *before}
    offered = [one for one in current.stored() if one.is_banner_public and one.is_banner_dismissable]
    banners = [banner for banner in offered if banner.pk in keys][:_MOST_IN_COOKIE]
    if not banners:
        return False
    longest: timedelta = max(banner.ends_at for banner in banners) - timezone.now()
    response.set_cookie(
        COOKIE,
        ".".join(str(banner.pk) for banner in banners),
        max_age=longest,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
    return pk not in before and any(banner.pk == pk for banner in banners)
