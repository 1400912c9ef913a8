"""The admin pages for announcements. Staff also need the permission `notifications_hub.broadcast` to write one."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import OuterRef, QuerySet
from django.forms import Media, Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from notifications_hub import audience_lists, audiences
from notifications_hub.admin_guards import DeclaredLookups
from notifications_hub.admin_lists import COUNTED, BoundedLists, CappedCount
from notifications_hub.announcements import announce
from notifications_hub.announcements.admin_pages.audience_page import (
    AudiencePage,
    AudienceReach,
    audience_reach,
    reach_of_saved,
)
from notifications_hub.announcements.admin_pages.forms import AnnouncementForm, other_languages
from notifications_hub.announcements.admin_pages.parts import (
    PERMISSION,
    StateFilter,
    TestFilter,
    TranslationInline,
    may_write,
)
from notifications_hub.announcements.admin_pages.preview import previews
from notifications_hub.announcements.admin_pages.sending import SendingPage
from notifications_hub.announcements.admin_pages.trial_page import TrialPage
from notifications_hub.announcements.methods import all_methods
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.reach import AudienceFailed, in_words, size_of
from notifications_hub.database.quick_count import RowCount
from notifications_hub.kinds import method_name
from notifications_hub.notification import Notification
from notifications_hub.web.bundles import bundle_path

if TYPE_CHECKING:
    AnnouncementModelAdmin = admin.ModelAdmin[Announcement]
else:
    AnnouncementModelAdmin = admin.ModelAdmin

_SCRIPTS = ("announcement-preview", "announcement-sending", "announcement-form")


class AnnouncementAdmin(
    SendingPage,
    AudiencePage,
    TrialPage,
    DeclaredLookups[Announcement],
    BoundedLists[Announcement],
    AnnouncementModelAdmin,
):
    form = AnnouncementForm
    inlines = (TranslationInline,)
    list_filter = (StateFilter, "level", TestFilter)
    list_select_related = ("by",)
    list_per_page = 25
    search_fields = ("title", "body")
    actions = ("withdraw_selected",)

    @property
    def media(self) -> Media:
        sheets = ("hub.css", "admin.css", "announcements.css")
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

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Announcement]:
        read = Notification.objects.filter(announcement=OuterRef("pk"), unread=False).order_by().values("pk")
        return super().get_queryset(request).annotate(number_read=CappedCount(read[: COUNTED + 1]))

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        # Once per page, because a group's name costs a query.
        words = dict(audiences.choices())

        @admin.display(description=gettext_lazy("audience"), ordering="audience")
        def audience_words(announcement: Announcement) -> str:
            return words.get(announcement.audience) or _words_of(announcement.audience)

        return ("title", "state_badge", audience_words, "runs", "by", "read_by")

    @admin.display(description=gettext_lazy("state"))
    def state_badge(self, announcement: Announcement) -> SafeString:
        state = announcement.state
        return format_html('<span class="hub-state" data-state="{}">{}</span>', state.value, state.label)

    @admin.display(description=gettext_lazy("runs"), ordering="starts_at")
    def runs(self, announcement: Announcement) -> SafeString:
        start, end = (timezone.localtime(at) for at in (announcement.starts_at, announcement.ends_at))
        return format_html("{} –<br>{}", date_format(start, "DATETIME_FORMAT"), date_format(end, "DATETIME_FORMAT"))

    @admin.display(description=gettext_lazy("read by"))
    def read_by(self, announcement: Any) -> str:
        return f"{COUNTED}+" if announcement.number_read > COUNTED else str(announcement.number_read)

    @admin.display(description=gettext_lazy("audience"))
    def audience_in_words(self, announcement: Announcement) -> str:
        if (chosen := audience_lists.list_of(announcement.audience)) is not None:
            return f"{_words_of(announcement.audience)} ({chosen.people})"
        return dict(audiences.choices()).get(announcement.audience, announcement.audience)

    @admin.display(description=gettext_lazy("delivery methods"))
    def methods_in_words(self, announcement: Announcement) -> str:
        names = all_methods() if announcement.methods is None else announcement.methods
        return ", ".join(map(method_name, names)) or _("only the inbox")

    # The form

    def get_fieldsets(self, request: HttpRequest, obj: Announcement | None = None) -> Any:
        words = ["title", "body", "url", "level"]
        when = ["audience", "people", "methods", ("starts_at", "ends_at"), "urgency"]
        if obj is None:
            return [(None, {"fields": [*words, "once"]}), (_("Audience and time"), {"fields": when})]
        if not may_write(request, obj) or obj.announced_at:
            when[:3] = ["audience_in_words", "methods_in_words"]
        fate = ["state_badge", "read_by", "by", "created", "announced_at", "withdrawn_at"]
        return [
            (None, {"fields": words}),
            (_("Audience and time"), {"fields": when}),
            (_("History"), {"fields": fate}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Announcement | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        fate = ["state_badge", "read_by", "by", "created", "announced_at", "withdrawn_at"]
        fate += ["audience_in_words", "methods_in_words"]
        # People already have it, so its audience and start can no longer change.
        return (*fate, "starts_at") if obj.announced_at else (*fate,)

    def get_inline_instances(self, request: HttpRequest, obj: Announcement | None = None) -> list[Any]:
        return super().get_inline_instances(request, obj) if other_languages() else []

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Announcement | None:
        found = super().get_object(request, object_id, from_field)
        if found is not None and request.method == "POST":
            # Locked until it is saved: the sweeper must not announce it between the form's check and the save.
            found.refresh_from_db(from_queryset=Announcement.objects.select_for_update(of=("self",)))
        return found

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        announcement = kwargs.get("obj")
        context |= {
            "writable": may_write(request, announcement),
            "preview_url": reverse("admin:notifications_hub_announcement_preview"),
            "previews": previews(_as_form(announcement)) if announcement and request.method == "GET" else [],
            "is_announced": bool(announcement and announcement.announced_at),
            "reach_url": reverse("admin:notifications_hub_announcement_reach"),
            "trial_url": _trial_url(announcement),
            "audience": _reach_for(request, announcement),
            "may_see_sending": self.has_broadcast_permission(request),
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

    def save_model(self, request: HttpRequest, obj: Announcement, form: Any, change: bool) -> None:
        if not change:
            obj.by = cast("Any", request.user)
            obj.submission = form.cleaned_data.get("once") or obj.submission
        form.store_people()
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Announce in the transaction that saves, after the translations are saved too."""
        super().save_related(request, form, formsets, change)
        if change and (form.has_changed() or any(formset.has_changed() for formset in formsets)):
            announce.publish_edit(form.instance)
        announce.announce_if_due(form.instance)

    def response_add(self, request: HttpRequest, obj: Announcement, post_url_continue: Any = None) -> HttpResponse:
        if obj.announced_at:
            text = _("“%(title)s” has been announced to %(people)s.") % {"title": obj, "people": _size_in_words(obj)}
        else:
            text = _("“%(title)s” is planned and will be announced at its start time.") % {"title": obj}
        return self._back_to_list(request, text)

    def response_change(self, request: HttpRequest, obj: Announcement) -> HttpResponse:
        text = _("“%(title)s” was changed, on open pages too.") if obj.announced_at else _("“%(title)s” was changed.")
        return self._back_to_list(request, text % {"title": obj})

    def _sent_before(self, request: HttpRequest) -> Announcement | None:
        if request.method != "POST" or not self.has_add_permission(request):
            return None
        try:
            submission = uuid.UUID(request.POST.get("once", ""))
        except ValueError:
            return None
        return Announcement.objects.filter(submission=submission).first()

    def _answer_repeated(self, request: HttpRequest, earlier: Announcement) -> HttpResponse:
        text = _("“%(title)s” was already sent, so it was not announced again.") % {"title": earlier}
        return self._back_to_list(request, text, messages.INFO)

    def _back_to_list(self, request: HttpRequest, text: str, level: int = messages.SUCCESS) -> HttpResponse:
        self.message_user(request, text, level)
        return HttpResponseRedirect(reverse("admin:notifications_hub_announcement_changelist"))

    # Preview and withdrawal

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "notifications_hub_announcement"
        return [
            path("preview/", view(self.preview_view), name=f"{name}_preview"),
            path("<int:pk>/withdraw/", view(self.withdraw_view), name=f"{name}_withdraw"),
            *self.sending_urls(),
            *self.audience_urls(),
            *self.trial_urls(),
            *super().get_urls(),
        ]

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
            context["audience"] = audience_reach(request.POST)
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
        context |= {"announcement": announcement, "read_by": _readers(announcement), "media": self.media}
        return TemplateResponse(request, "admin/notifications_hub/announcement/withdraw.html", context)

    def _withdraw(self, request: HttpRequest, announcement: Announcement) -> HttpResponse:
        if announce.withdraw(announcement):
            self.log_change(request, announcement, _("Withdrawn."))
            return self._back_to_list(request, _("“%(title)s” was withdrawn.") % {"title": announcement})
        return self._back_to_list(request, _("This announcement had already ended."), messages.INFO)

    @admin.action(description=gettext_lazy("Withdraw the selected announcements"), permissions=["broadcast"])
    def withdraw_selected(self, request: HttpRequest, queryset: QuerySet[Announcement]) -> None:
        withdrawn = [announcement for announcement in queryset if announce.withdraw(announcement)]
        for announcement in withdrawn:
            self.log_change(request, announcement, _("Withdrawn."))
        number = len(withdrawn)
        text = ngettext("%(number)d announcement was withdrawn.", "%(number)d announcements were withdrawn.", number)
        self.message_user(request, text % {"number": number}, messages.SUCCESS)


def _readers(announcement: Any) -> str:
    number: int = announcement.number_read
    return _("more than %(number)d people") % {"number": COUNTED} if number > COUNTED else in_words(RowCount(number))


def _words_of(audience: str) -> str:
    return _("People chosen by hand") if audience_lists.is_list(audience) else audience


def _size_in_words(announcement: Announcement) -> str:
    try:
        size = size_of(announcement.audience)
    except AudienceFailed:
        # It could be read when the form was checked. The rollout says what is wrong now.
        size = None
    return _("its audience") if size is None else in_words(size)


def _trial_url(announcement: Announcement | None) -> str:
    return reverse("admin:notifications_hub_announcement_test", args=[announcement.pk] if announcement else [])


def _reach_for(request: HttpRequest, announcement: Announcement | None) -> AudienceReach | None:
    """Return the reach to begin with, of a form whose audience can still be chosen."""
    if announcement is not None and announcement.announced_at:
        return None
    if request.method == "POST":
        return audience_reach(request.POST)
    return reach_of_saved(announcement or Announcement())


def _as_form(announcement: Announcement) -> dict[str, str]:
    form = {name: str(getattr(announcement, name)) for name in ("title", "body", "url", "level")}
    for number, row in enumerate(announcement.translations.all()):
        form |= {f"translations-{number}-{name}": getattr(row, name) for name in ("language", "title", "body")}
    return form
