"""The admin's page of an announcement that is being sent: how far it is, and pause, resume and stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications_hub.announcements.admin_pages.parts import PERMISSION
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.rollouts import control
from notifications_hub.announcements.rollouts.models import Rollout, RolloutState
from notifications_hub.announcements.rollouts.report import topic_of
from notifications_hub.inbox import links
from notifications_hub.kinds import method_name
from notifications_hub.live.start_cursor import cursor_at
from notifications_hub.live.topics import own_topic
from notifications_hub.users import Person, pseudonym_of

if TYPE_CHECKING:
    AnnouncementModelAdmin = admin.ModelAdmin[Announcement]
else:
    AnnouncementModelAdmin = object


@own_topic("announcement.<int:pk>")
def _may_listen(user: Any, pk: int) -> bool:
    return bool(user.is_authenticated and user.has_perm(PERMISSION))


@dataclass(frozen=True, slots=True)
class _Order:
    """Something that an admin can have done, the words of its button, and those of its answer."""

    act: Callable[[Announcement, Person | None], int]
    button: str | Promise
    done: str | Promise
    states: frozenset[str]


ORDERS = {
    "pause": _Order(
        control.pause,
        gettext_lazy("Pause"),
        gettext_lazy("Sending is paused. What is already on its way still arrives."),
        frozenset({RolloutState.RUNNING}),
    ),
    "resume": _Order(
        control.resume,
        gettext_lazy("Resume"),
        gettext_lazy("Sending goes on where it was paused."),
        frozenset({RolloutState.PAUSED}),
    ),
    "stop": _Order(
        control.stop,
        gettext_lazy("Stop for good"),
        gettext_lazy("Sending has ended. The announcement stays in the inboxes; withdraw it to remove it there."),
        frozenset({RolloutState.RUNNING, RolloutState.PAUSED}),
    ),
}


@dataclass(frozen=True, slots=True)
class Button:
    order: str
    words: str | Promise


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery method's line of the page."""

    rollout: Rollout
    name: str

    @property
    def unsent(self) -> int:
        """Return how many deliveries are planned and neither sent nor failed: they wait, or were cancelled."""
        return self.rollout.planned - self.rollout.sent - self.rollout.failed


class SendingPage(AnnouncementModelAdmin):
    """The views of the page, for the admin of announcements."""

    def sending_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "notifications_hub_announcement"
        return [path("<int:pk>/sending/", view(self.sending_view), name=f"{name}_sending")]

    def sending_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how far it is: a fragment for the script, else a whole page. A POST carries an order out."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        announcement = Announcement.objects.filter(pk=pk).first()
        if announcement is None:
            raise Http404
        if request.method == "POST":
            return self._carry_out(request, announcement, request.POST.get("order", ""))
        page = "_sending" if "piece" in request.GET else "sending"
        context = {**self.admin_site.each_context(request), **_context(request, announcement), "opts": self.opts}
        context |= {"title": _("Sending"), "media": self.media}
        return TemplateResponse(request, f"admin/notifications_hub/announcement/{page}.html", context)

    def _carry_out(self, request: HttpRequest, announcement: Announcement, name: str) -> HttpResponse:
        order = ORDERS.get(name)
        if order is None:
            self.message_user(request, _("Choose pause, resume or stop."), messages.ERROR)
        elif name == "stop" and "sure" not in request.POST:
            return self._ask_before_stopping(request, announcement)
        elif order.act(announcement, cast("Person", request.user)):
            self.log_change(request, announcement, str(order.done))
            self.message_user(request, str(order.done), messages.SUCCESS)
        else:
            self.message_user(request, _("There was nothing left to change."), messages.INFO)
        return HttpResponseRedirect(reverse("admin:notifications_hub_announcement_sending", args=[announcement.pk]))

    def _ask_before_stopping(self, request: HttpRequest, announcement: Announcement) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": _("Stop for good?"), "opts": self.opts}
        context |= {"announcement": announcement, "media": self.media}
        return TemplateResponse(request, "admin/notifications_hub/announcement/stop.html", context)


def _context(request: HttpRequest, announcement: Announcement) -> dict[str, Any]:
    # The cursor first: a change after it arrives as an event.
    cursor = cursor_at([topic_of(announcement.pk)])
    rollouts = Rollout.objects.filter(announcement=announcement).order_by("pk")
    rows = [Row(rollout, method_name(rollout.transport)) for rollout in rollouts]
    states = {row.rollout.state for row in rows if row.rollout.finished_at is None}
    return {
        "announcement": announcement,
        "rows": [row for row in rows if not row.rollout.is_retraction],
        "retractions": [row for row in rows if row.rollout.is_retraction],
        "buttons": [Button(name, order.button) for name, order in ORDERS.items() if order.states & states],
        "topic": topic_of(announcement.pk),
        "cursor": cursor,
        "live": links.live(),
        "person": pseudonym_of(cast("Person", request.user).pk),
    }
