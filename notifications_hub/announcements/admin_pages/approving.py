"""The admin's page on which a second person approves an announcement or a correction, or sends it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications_hub import audiences
from notifications_hub.admin_lists import COUNTED
from notifications_hub.announcements.admin_pages.banner import banner_words
from notifications_hub.announcements.admin_pages.parts import PERMISSION, audience_words, methods_words
from notifications_hub.announcements.admin_pages.preview import as_form, previews
from notifications_hub.announcements.approval import corrections, decision
from notifications_hub.announcements.approval.decision import Outcome
from notifications_hub.announcements.approval.models import Correction
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.reach import in_words
from notifications_hub.database import transaction
from notifications_hub.database.quick_count import RowCount
from notifications_hub.kinds import Urgency
from notifications_hub.users import Person
from notifications_hub.web.text import storable

if TYPE_CHECKING:
    AnnouncementModelAdmin = admin.ModelAdmin[Announcement]
else:
    AnnouncementModelAdmin = object

LONGEST_REASON = 1000

_ANSWERS = {
    Outcome.OWN: gettext_lazy("You wrote or changed it last, so somebody else has to approve it."),
    Outcome.CHANGED: gettext_lazy("It has been changed meanwhile. Please look at it again."),
    Outcome.DECIDED: gettext_lazy("Somebody else has decided meanwhile, or its author has taken it back."),
    Outcome.OVER: gettext_lazy("Its end has passed, or it was withdrawn. It is not announced any more."),
    Outcome.INVALID: gettext_lazy("This correction does not fit any more. Please refuse it, and propose another one."),
}


class ApprovalPage(AnnouncementModelAdmin):
    """The view of the page, for the admin of announcements."""

    def approval_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "notifications_hub_announcement"
        return [path("<int:pk>/approval/", view(self.approval_view), name=f"{name}_approval")]

    def approval_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what waits for approval. A POST approves it, or sends it back with a reason."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        announcement = Announcement.objects.filter(pk=pk).select_related("by", "last_editor", "approved_by").first()
        if announcement is None:
            raise Http404
        correction = corrections.correction_of(announcement)
        if request.method == "POST":
            return self._decide(request, announcement, correction)
        context = {**self.admin_site.each_context(request), "title": _("Approval"), "opts": self.opts}
        context |= {
            "audience_in_words": audience_words(announcement),
            "methods_in_words": methods_words(announcement),
        }
        context |= {"media": self.media, **_context(cast("Person", request.user), announcement, correction)}
        return TemplateResponse(request, "admin/notifications_hub/announcement/approval.html", context)

    def _decide(self, request: HttpRequest, announcement: Announcement, correction: Correction | None) -> HttpResponse:
        person, version = cast("Person", request.user), request.POST.get("version", "")
        reason = storable(request.POST.get("reason", "").strip(), LONGEST_REASON)
        approves = request.POST.get("decision") == "approve"
        if not approves and not reason:
            self.message_user(request, _("Please say why, so that its author knows what to change."), messages.ERROR)
            return _to_page("approval", announcement)
        if correction is not None:
            outcome = (
                corrections.approve_correction(announcement, by=person, version=version)
                if approves
                else corrections.refuse_correction(announcement, by=person, reason=reason)
            )
        elif approves:
            outcome = decision.approve(announcement, by=person, version=version)
        else:
            outcome = decision.send_back(announcement, by=person, reason=reason)
        return self._answer(request, announcement, outcome, _done(announcement, correction, approves=approves))

    def _answer(self, request: HttpRequest, announcement: Announcement, outcome: Outcome, done: str) -> HttpResponse:
        if outcome is not Outcome.DONE:
            self.message_user(request, str(_ANSWERS[outcome]), messages.WARNING)
            return _to_page("approval", announcement)
        self.log_change(request, announcement, done)
        self.message_user(request, done, messages.SUCCESS)
        return _to_page("change", announcement)


def _done(announcement: Announcement, correction: Correction | None, *, approves: bool) -> str:
    if correction is not None:
        return _("The correction is on open pages now.") if approves else _("The correction was refused.")
    if not approves:
        return _("“%(title)s” is a draft again. Its author knows why.") % {"title": announcement}
    return _("“%(title)s” is approved. It is announced as soon as its start has come.") % {"title": announcement}


def _to_page(name: str, announcement: Announcement) -> HttpResponse:
    return HttpResponseRedirect(reverse(f"admin:notifications_hub_announcement_{name}", args=[announcement.pk]))


def _context(person: Person, announcement: Announcement, correction: Correction | None) -> dict[str, Any]:
    is_open = correction is not None or (announcement.awaits_approval and not announcement.is_draft)
    context: dict[str, Any] = {
        "announcement": announcement,
        "correction": correction,
        "is_open": is_open and not announcement.is_over,
        "is_own": decision.is_own(announcement, person),
        "is_critical": announcement.urgency == Urgency.CRITICAL,
        "size": _size_in_words(announcement.audience),
        "shown": announcement,
        "version": decision.version_of(announcement),
        "previews": previews(as_form(announcement)),
        "longest_reason": LONGEST_REASON,
    }
    if correction is not None:
        edited = corrections.corrected(announcement, correction)
        context |= {
            "is_own": correction.by_id == person.pk,
            "shown": edited,
            "is_critical": edited.urgency == Urgency.CRITICAL,
            "changes": corrections.changes_of(announcement, correction),
            "version": corrections.correction_version(announcement, correction),
            "previews": previews(as_form(edited, correction.translations)),
        }
    return {**context, "banner_words": banner_words(context["shown"])}


def _size_in_words(audience: str) -> str:
    """Return how many people are in an audience, counted up to a limit. A host's audience may fail."""
    try:
        with transaction.atomic():
            number = len(audiences.members(audience).order_by().values_list("pk", flat=True)[: COUNTED + 1])
    except Exception as error:  # noqa: BLE001 -- a host's callable may raise anything
        return _("cannot be counted now (%(problem)s)") % {"problem": type(error).__name__}
    return _("more than %(number)d people") % {"number": COUNTED} if number > COUNTED else in_words(RowCount(number))
