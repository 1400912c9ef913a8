"""The admin's views about an audience that is being chosen: its size and reach, and a search for people."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import OperationalError, connections
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from notifications_hub import audiences
from notifications_hub.announcements import reach
from notifications_hub.announcements.admin_pages.audience_fields import CHOSEN, chosen_people, problem_in_words
from notifications_hub.announcements.admin_pages.parts import PERMISSION
from notifications_hub.announcements.methods import all_methods
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.pasted_people import email_field, name_of
from notifications_hub.announcements.reach import AudienceFailed, Reach
from notifications_hub.database.primary import connection
from notifications_hub.database.time_limit import is_over_time, time_limit
from notifications_hub.kinds import Urgency
from notifications_hub.web.text import is_storable

if TYPE_CHECKING:
    AnnouncementModelAdmin = admin.ModelAdmin[Announcement]
else:
    AnnouncementModelAdmin = object

_FOUND = 10
_SHORTEST = 2
_SEARCH_SECONDS = 0.2
"""Time for the search within names and addresses, which no index serves. The start of a user name is always found."""
_SEARCHED = ("first_name", "last_name", "name")


class FormData(Protocol):
    """A form as a browser sent it."""

    def get(self, name: str, default: str, /) -> Any: ...
    def getlist(self, name: str, /) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class AudienceReach:
    """The reach of what a form names, or what is wrong with it."""

    reach: Reach | None = None
    problems: Collection[str] = ()
    is_critical: bool = False


class AudiencePage(AnnouncementModelAdmin):
    def audience_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "notifications_hub_announcement"
        return [
            path("reach/", view(self.reach_view), name=f"{name}_reach"),
            path("people/", view(self.people_view), name=f"{name}_people"),
        ]

    def reach_view(self, request: HttpRequest) -> HttpResponse:
        """Show whom the form's announcement reaches, as a fragment for the script."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        context = {"audience": audience_reach(request.POST)}
        return TemplateResponse(request, "admin/notifications_hub/announcement/_reach.html", context)

    def people_view(self, request: HttpRequest) -> HttpResponse:
        """Answer a search for people, as JSON."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        found = search(request.GET.get("q", "").strip())
        return JsonResponse({"results": [{"name": name_of(person), "words": _words_of(person)} for person in found]})


def audience_reach(form: FormData) -> AudienceReach:
    """Return the reach of the audience that a form names."""
    known = all_methods()
    methods = [name for name in form.getlist("methods") if name in known]
    urgency = str(form.get("urgency", Urgency.NORMAL.value))
    audience = str(form.get("audience", ""))
    try:
        if audience == CHOSEN:
            found = reach.reach_among(chosen_people(str(form.get("people", ""))), methods, urgency)
        else:
            found = reach.reach_of(audience, methods, urgency)
    except ValidationError as error:
        return AudienceReach(problems=error.messages)
    except AudienceFailed as error:
        return AudienceReach(problems=[problem_in_words(error)])
    except audiences.UnknownAudience:
        return AudienceReach(problems=[_("Choose an audience.")])
    return AudienceReach(found, is_critical=urgency == Urgency.CRITICAL)


def reach_of_saved(announcement: Announcement) -> AudienceReach:
    """Return the reach of an announcement's audience."""
    try:
        found = reach.reach_of(announcement.audience, announcement.methods, announcement.urgency)
    except AudienceFailed as error:
        return AudienceReach(problems=[problem_in_words(error)])
    except audiences.UnknownAudience:
        return AudienceReach(problems=[_("This audience no longer exists.")])
    return AudienceReach(found, is_critical=announcement.urgency == Urgency.CRITICAL)


def reach_for(request: HttpRequest, announcement: Announcement | None) -> AudienceReach | None:
    """Return the reach to begin with, of a form whose audience can still be chosen."""
    if announcement is not None and announcement.announced_at:
        return None
    if request.method == "POST":
        return audience_reach(request.POST)
    return reach_of_saved(announcement or Announcement())


def size_in_words(announcement: Announcement) -> str:
    try:
        size = reach.size_of(announcement.audience)
    except AudienceFailed:
        # It could be read when the form was checked. The rollout says what is wrong now.
        size = None
    return _("its audience") if size is None else reach.in_words(size)


def search(text: str) -> list[Any]:
    """Return the first active people whose user name begins with a text, then those with it in a name or address."""
    if len(text) < _SHORTEST or not is_storable(text):
        return []
    people = audiences.active_people()
    user_name = get_user_model().USERNAME_FIELD
    found = {one.pk: one for one in people.filter(_beginning(text, user_name)).order_by(user_name)[:_FOUND]}
    if len(found) < _FOUND:
        found = {one.pk: one for one in _within_time(people.filter(_anywhere(text, user_name)))} | found
    # Names that begin with the text come first.
    return sorted(found.values(), key=lambda one: not one.get_username().startswith(text))[:_FOUND]


def _beginning(text: str, user_name: str) -> Q:
    """Select the user names that begin with a text, by their index."""
    if connection.vendor == "sqlite":
        # Its LIKE ignores case, and so the index too.
        return Q(**{f"{user_name}__gte": text, f"{user_name}__lt": text + chr(sys.maxunicode)})
    return Q(**{f"{user_name}__startswith": text})


def _anywhere(text: str, user_name: str) -> Q:
    known = {field.name for field in get_user_model()._meta.get_fields()}
    fields = [user_name, *([email_field()] if email_field() else []), *(name for name in _SEARCHED if name in known)]
    wanted = Q()
    for field in dict.fromkeys(fields):
        wanted |= Q(**{f"{field}__icontains": text})
    return wanted


def _within_time(people: QuerySet[Any]) -> Iterable[Any]:
    try:
        with time_limit(connections[people.db], _SEARCH_SECONDS):
            return list(people[:_FOUND])
    except OperationalError as error:
        if not is_over_time(error):
            raise
        return []


def _words_of(person: Any) -> str:
    """Return a person's names and address, by which an admin recognises them."""
    address: Any = getattr(person, email_field()) if email_field() else ""
    full_name: Any = person.get_full_name() if hasattr(person, "get_full_name") else ""
    return " · ".join(str(part) for part in (person.get_username(), full_name, address) if part)
