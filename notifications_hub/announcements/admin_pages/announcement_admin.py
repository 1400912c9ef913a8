"""The admin pages for announcements. Staff also need the permission `notifications_hub.broadcast` to write one."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models
from django.db.models import QuerySet
from django.forms import Media, Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from notifications_hub.admin_guards import DeclaredLookups
from notifications_hub.admin_lists import BoundedLists
from notifications_hub.announcements import announce, audit
from notifications_hub.announcements.admin_pages import audience_page, parts, saving, trial_page
from notifications_hub.announcements.admin_pages.approving import ApprovalPage
from notifications_hub.announcements.admin_pages.audience_page import AudiencePage
from notifications_hub.announcements.admin_pages.banner import banner_fieldset
from notifications_hub.announcements.admin_pages.drafts import DuplicatePage
from notifications_hub.announcements.admin_pages.forms import DRAFT, AnnouncementForm, other_languages
from notifications_hub.announcements.admin_pages.history import HistoryPage
from notifications_hub.announcements.admin_pages.list_page import ListPage, readers
from notifications_hub.announcements.admin_pages.parts import PERMISSION, TranslationInline, may_write
from notifications_hub.announcements.admin_pages.preview import as_form, previews
from notifications_hub.announcements.admin_pages.results import ResultsPage
from notifications_hub.announcements.admin_pages.sending import SendingPage
from notifications_hub.announcements.admin_pages.trial_page import TrialPage
from notifications_hub.announcements.admin_pages.zone import ZonedDateTimeField, times_in_zone, zoned
from notifications_hub.announcements.approval import corrections
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import AnnouncementState
from notifications_hub.confirmations.admin_pages.announcement_page import ConfirmationPage
from notifications_hub.users import Person
from notifications_hub.web.bundles import bundle_path

if TYPE_CHECKING:
    AnnouncementModelAdmin = admin.ModelAdmin[Announcement]
else:
    AnnouncementModelAdmin = admin.ModelAdmin

_FATE = ("state_badge", "read_by", "by", "last_editor", "created", "approved_by", "announced_at", "withdrawn_at")
_WAS_ANNOUNCED = "_notifications_hub_was_announced"
_IS_PROPOSED = "_notifications_hub_is_proposed"
_SCRIPTS = ("announcement-preview", "announcement-sending", "announcement-zone", "announcement-form")


class AnnouncementAdmin(
    SendingPage,
    ListPage,
    ApprovalPage,
    DuplicatePage,
    HistoryPage,
    ResultsPage,
    ConfirmationPage,
    AudiencePage,
    TrialPage,
    DeclaredLookups[Announcement],
    BoundedLists[Announcement],
    AnnouncementModelAdmin,
):
    form = AnnouncementForm
    inlines = (TranslationInline,)
    actions = ("withdraw_selected",)
    formfield_overrides = {models.DateTimeField: {"form_class": ZonedDateTimeField, "widget": AdminSplitDateTime}}

    @property
    def media(self) -> Media:
        sheets = ("hub.css", "admin.css", "announcements.css", "banners.css")
        own = Media(
            css={"all": [bundle_path(sheet) for sheet in sheets]},
            js=cast("Any", [Script(bundle_path(f"{name}.js"), defer=True) for name in _SCRIPTS]),
        )
        return super().media + own

    # Permissions

    def has_broadcast_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSION)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_write(request)

    def has_change_permission(self, request: HttpRequest, obj: Announcement | None = None) -> bool:
        return may_write(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Announcement | None = None) -> bool:
        """Return False: withdrawing also removes it from every inbox, and keeps a record."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Announcement | None = None) -> bool:
        return self.has_broadcast_permission(request) or super().has_view_permission(request, obj)

    # The form

    @admin.display(description=gettext_lazy("audience"))
    def audience_in_words(self, announcement: Announcement) -> str:
        return parts.audience_words(announcement)

    @admin.display(description=gettext_lazy("delivery methods"))
    def methods_in_words(self, announcement: Announcement) -> str:
        return parts.methods_words(announcement)

    def get_fieldsets(self, request: HttpRequest, obj: Announcement | None = None) -> Any:
        words = ["title", "body", "url", "other_site", "level"]
        when = ["audience", "people", "methods", ("starts_at", "ends_at"), "urgency", "must_acknowledge"]
        times = {"fields": when, "description": times_in_zone()}
        if obj is None:
            written = {"fields": [*words, "once", "zone"]}
            return [(None, written), (_("Audience and time"), times), banner_fieldset()]
        if not may_write(request, obj) or obj.announced_at:
            when[:3] = ["audience_in_words", "methods_in_words"]
        if may_write(request, obj):
            words.append("zone")
        else:
            words.remove("other_site")
        return [
            (None, {"fields": words}),
            (_("Audience and time"), times),
            banner_fieldset(),
            (_("History"), {"fields": [*_FATE]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Announcement | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        fate = [*_FATE, "audience_in_words", "methods_in_words"]
        # People already have it, so its audience and start can no longer change, nor what their rows say.
        return (*fate, "starts_at", "must_acknowledge") if obj.announced_at else (*fate,)

    def get_inline_instances(self, request: HttpRequest, obj: Announcement | None = None) -> list[Any]:
        return super().get_inline_instances(request, obj) if other_languages() else []

    def get_form(
        self, request: HttpRequest, obj: Announcement | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        # The class is made for this request alone.
        form.author = request.user
        return form

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Announcement | None:
        found = super().get_object(request, object_id, from_field)
        if found is not None and request.method == "POST":
            # Locked until it is saved: the sweeper must not announce it between the form's check and the save.
            found.refresh_from_db(from_queryset=Announcement.objects.select_for_update(of=("self",)))
            if request.POST.get("was") == AnnouncementState.DRAFT and not found.is_draft:
                raise saving.NoDraftAnyMore(found)
        return found

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        announcement = kwargs.get("obj")
        context |= {
            "writable": may_write(request, announcement),
            "preview_url": reverse("admin:notifications_hub_announcement_preview"),
            "previews": previews(as_form(announcement)) if announcement and request.method == "GET" else [],
            "is_announced": bool(announcement and announcement.announced_at),
            "reach_url": reverse("admin:notifications_hub_announcement_reach"),
            "trial_url": trial_page.url_for(announcement),
            "audience": audience_page.reach_for(request, announcement),
            "may_see_sending": self.has_broadcast_permission(request),
            **saving.notes_for(announcement),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    # Saving announces

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if (earlier := self._sent_before(request)) is not None:
            return self._answer_repeated(request, earlier)
        try:
            return super().add_view(request, form_url, {"title": _("New announcement"), **(extra_context or {})})
        except IntegrityError:
            # A second click arrived while the first was being saved.
            if (earlier := self._sent_before(request)) is None:
                raise
            return self._answer_repeated(request, earlier)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        try:
            return super().change_view(request, object_id, form_url, extra_context)
        except saving.NoDraftAnyMore as late:
            text = _("“%(title)s” is no draft any more, so nothing was changed: it was announced or sent for approval.")
            return self._back_to_list(request, text % {"title": late.announcement}, messages.INFO)

    def save_model(self, request: HttpRequest, obj: Announcement, form: Any, change: bool) -> None:
        if not change:
            obj.by = cast("Any", request.user)
            obj.submission = form.cleaned_data.get("once") or obj.submission
        form.store_people()
        if not obj.announced_at:
            obj.is_draft = DRAFT in request.POST
        # Asked once: a later answer may differ, as the audience changes meanwhile.
        setattr(obj, _IS_PROPOSED, corrections.needs_correction(obj))
        if not getattr(obj, _IS_PROPOSED):
            super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Announce in the transaction that saves, after the translations are saved too."""
        person, changes = cast("Person", request.user), saving.changes_of(form, formsets)
        if getattr(form.instance, _IS_PROPOSED):
            if changes:
                saving.propose(form, formsets, by=person)
            return
        super().save_related(request, form, formsets, change)
        setattr(form.instance, _WAS_ANNOUNCED, form.instance.announced_at is not None)
        saving.finish(form.instance, changes, by=person, is_new=not change, was_draft=form.was_draft)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        if getattr(form.instance, _IS_PROPOSED):
            return _("Correction proposed.")
        return super().construct_change_message(request, form, formsets, add)

    def response_add(self, request: HttpRequest, obj: Announcement, post_url_continue: Any = None) -> HttpResponse:
        if not obj.announced_at:
            text = saving.words_for(obj)
        else:
            reached = audience_page.size_in_words(obj)
            text = _("“%(title)s” has been announced to %(people)s.") % {"title": obj, "people": reached}
        return self._back_to_list(request, text + saving.words_of_critical(obj))

    def response_change(self, request: HttpRequest, obj: Announcement) -> HttpResponse:
        if not getattr(obj, _WAS_ANNOUNCED, True):
            return self.response_add(request, obj)
        if getattr(obj, _IS_PROPOSED):
            text = _("Your correction of “%(title)s” waits for a second person. Until then, people see the old words.")
        else:
            text = _("“%(title)s” was changed, on open pages too.")
        return self._back_to_list(request, text % {"title": obj} + saving.words_of_critical(obj))

    def _sent_before(self, request: HttpRequest) -> Announcement | None:
        if request.method != "POST" or not self.has_add_permission(request):
            return None
        try:
            submission = uuid.UUID(request.POST.get("once", ""))
        except ValueError:
            return None
        return Announcement.objects.filter(submission=submission).first()

    def _answer_repeated(self, request: HttpRequest, earlier: Announcement) -> HttpResponse:
        if earlier.is_draft:
            text = _("“%(title)s” is already saved as a draft. Here it is.") % {"title": earlier}
            self.message_user(request, text, messages.INFO)
            return HttpResponseRedirect(reverse("admin:notifications_hub_announcement_change", args=[earlier.pk]))
        text = _("“%(title)s” was already sent, so it was not announced again.") % {"title": earlier}
        return self._back_to_list(request, text, messages.INFO)

    def _back_to_list(self, request: HttpRequest, text: str, level: int = messages.SUCCESS) -> HttpResponse:
        self.message_user(request, text, level)
        return HttpResponseRedirect(reverse("admin:notifications_hub_announcement_changelist"))

    # Preview and withdrawal

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "notifications_hub_announcement"
        patterns = [
            path("preview/", view(self.preview_view), name=f"{name}_preview"),
            path("<int:pk>/withdraw/", view(self.withdraw_view), name=f"{name}_withdraw"),
            *self.sending_urls(),
            *self.approval_urls(),
            *self.duplicate_urls(),
            *self.results_urls(),
            *self.confirmation_urls(),
            *self.audience_urls(),
            *self.trial_urls(),
            *super().get_urls(),
        ]
        for pattern in patterns:
            pattern.callback = audit.coming_from(audit.Source.ADMIN)(pattern.callback)
        return zoned(patterns)

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """Show the form's announcement as people will see it: a fragment for the script, else a whole page."""
        if not self.has_broadcast_permission(request):
            raise PermissionDenied
        page = "_preview" if "piece" in request.GET else "preview"
        context = {
            **self.admin_site.each_context(request),
            "title": _("Preview"),
            "opts": self.opts,
            "media": self.media,
        }
        context["previews"] = previews(request.POST.dict())
        if page == "preview" and "audience" in request.POST:
            context["audience"] = audience_page.audience_reach(request.POST)
        return TemplateResponse(request, f"admin/notifications_hub/announcement/{page}.html", context)

    def withdraw_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        announcement = self.get_queryset(request).filter(pk=pk).first()
        if announcement is None:
            raise Http404
        if not self.has_broadcast_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._withdraw(request, announcement)
        context = {**self.admin_site.each_context(request), "title": _("Withdraw?"), "opts": self.opts}
        context |= {"announcement": announcement, "read_by": readers(announcement), "media": self.media}
        return TemplateResponse(request, "admin/notifications_hub/announcement/withdraw.html", context)

    def _withdraw(self, request: HttpRequest, announcement: Announcement) -> HttpResponse:
        if announce.withdraw(announcement, by=cast("Person", request.user)):
            self.log_change(request, announcement, _("Withdrawn."))
            return self._back_to_list(request, _("“%(title)s” was withdrawn.") % {"title": announcement})
        return self._back_to_list(request, _("This announcement had already ended."), messages.INFO)

    @admin.action(description=gettext_lazy("Withdraw the selected announcements"), permissions=["broadcast"])
    def withdraw_selected(self, request: HttpRequest, queryset: QuerySet[Announcement]) -> None:
        person = cast("Person", request.user)
        withdrawn = [announcement for announcement in queryset if announce.withdraw(announcement, by=person)]
        for announcement in withdrawn:
            self.log_change(request, announcement, _("Withdrawn."))
        number = len(withdrawn)
        text = ngettext("%(number)d announcement was withdrawn.", "%(number)d announcements were withdrawn.", number)
        self.message_user(request, text % {"number": number}, messages.SUCCESS)
