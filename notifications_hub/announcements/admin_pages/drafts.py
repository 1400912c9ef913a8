"""Duplicate an announcement as a draft, in the admin."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from notifications_hub.announcements import audit
from notifications_hub.announcements.admin_pages.parts import PERMISSION
from notifications_hub.announcements.models import Announcement, AnnouncementTranslation
from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.users import Person

if TYPE_CHECKING:
    AnnouncementModelAdmin = admin.ModelAdmin[Announcement]
else:
    AnnouncementModelAdmin = object

_NOT_COPIED = frozenset(
    {"id", "by", "last_editor", "is_draft", "is_test", "awaits_approval", "approved_by", "approved_at", "starts_at"}
    | {"ends_at", "announced_at", "withdrawn_at", "seq", "created", "submission"}
)


def duplicate(announcement: Announcement, *, by: Person) -> Announcement:
    """Copy words, translations, audience and methods into a draft. Its times are new, and nobody has approved it."""
    now = timezone.now()
    fields = [field for field in Announcement._meta.concrete_fields if field.name not in _NOT_COPIED]
    values = {field.attname: field.value_from_object(announcement) for field in fields}
    times = {"starts_at": now, "ends_at": now + timedelta(days=hub_settings.announcement_days)}
    with transaction.atomic():
        draft = Announcement.objects.create(**values, **times, by=by, is_draft=True)
        AnnouncementTranslation.objects.bulk_create(
            AnnouncementTranslation(announcement=draft, language=row.language, title=row.title, body=row.body)
            for row in announcement.translations.all()
        )
        audit.record(announcement, audit.Step.DUPLICATED, by=by, draft=draft.pk)
        audit.record(draft, audit.Step.WRITTEN, by=by, copy_of=announcement.pk)
    return draft


class DuplicatePage(AnnouncementModelAdmin):
    """The view that duplicates, for the admin of announcements."""

    def duplicate_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "notifications_hub_announcement"
        return [path("<int:pk>/duplicate/", view(self.duplicate_view), name=f"{name}_duplicate")]

    def duplicate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make the draft, and open it in the form."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        announcement = Announcement.objects.filter(pk=pk).first()
        if announcement is None:
            raise Http404
        draft = duplicate(announcement, by=cast("Person", request.user))
        self.message_user(request, _("This is a copy as a draft. Nobody has got it yet."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:notifications_hub_announcement_change", args=[draft.pk]))
