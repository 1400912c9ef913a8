"""A test of an announcement, sent to the admin who writes it by the same way as to everybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.forms import inlineformset_factory
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications_hub import audience_lists
from notifications_hub.announcements import announce, audit
from notifications_hub.announcements.admin_pages.forms import (
    AnnouncementForm,
    TranslationForm,
    TranslationFormSet,
    other_languages,
)
from notifications_hub.announcements.admin_pages.parts import PERMISSION
from notifications_hub.announcements.methods import all_methods, methods_for
from notifications_hub.announcements.models import Announcement, AnnouncementTranslation
from notifications_hub.announcements.queryset import KIND
from notifications_hub.database import transaction
from notifications_hub.delivery import preferences
from notifications_hub.kinds import DeliveryMethod, kind_of, method_name
from notifications_hub.transports.address_lookup import find_addresses, usable_transports
from notifications_hub.users import Person

if TYPE_CHECKING:
    AnnouncementModelAdmin = admin.ModelAdmin[Announcement]
else:
    AnnouncementModelAdmin = object

LASTS = timedelta(hours=1)
_LONGEST_TITLE = 120
_TRIED = {"title", "body", "url", "other_site", "level", "urgency", "methods"}


class TrialForm(AnnouncementForm):
    """The words and the delivery methods of the form. Whom it is for, and when, does not matter to a test."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields.keys() - _TRIED:
            del self.fields[name]


@dataclass(frozen=True, slots=True)
class Trial:
    """A test that was sent, with a sentence for each delivery method, or the errors that kept it from being sent."""

    announcement: Announcement | None
    lines: Sequence[str] = ()
    errors: Sequence[str] = ()


class TrialPage(AnnouncementModelAdmin):
    def trial_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "notifications_hub_announcement"
        return [
            path("test/", view(self.trial_view), name=f"{name}_test"),
            path("<int:pk>/test/", view(self.trial_view), name=f"{name}_test"),
        ]

    def trial_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Send the form's words to its writer: a fragment for the script, else a whole page in a tab of its own."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        written = Announcement.objects.filter(pk=pk).first() if pk is not None else Announcement()
        if written is None:
            raise Http404
        page = "_test" if "piece" in request.GET else "test"
        context = {"trial": send_trial(request.POST, written, cast("Person", request.user)), "opts": self.opts}
        context |= {**self.admin_site.each_context(request), "title": _("Test"), "media": self.media}
        return TemplateResponse(request, f"admin/notifications_hub/announcement/{page}.html", context)


def url_for(announcement: Announcement | None) -> str:
    return reverse("admin:notifications_hub_announcement_test", args=[announcement.pk] if announcement else [])


def send_trial(data: QueryDict, written: Announcement, person: Person) -> Trial:
    """Announce a form's words to this person alone. Nothing is sent if the form has errors."""
    form = TrialForm(data, instance=Announcement())
    if not form.is_valid():
        return Trial(None, errors=list(_errors_of(form)))
    words = form.instance
    # The rows of a saved announcement are known by it. It is not saved.
    written.title, written.body = words.title, words.body
    kept, faults = _translations_in(data, written)
    if faults:
        return Trial(None, errors=faults)
    with transaction.atomic():
        announcement = _announce(words, kept, person)
        # One that is not saved yet has no history of its own.
        audit.record(written if written.pk else announcement, audit.Step.TEST_SENT, by=person)
    return Trial(announcement, lines=list(_lines(announcement, person)))


def _translations_in(data: QueryDict, written: Announcement) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the translations of a form, and what is wrong with them."""
    if not other_languages():
        return [], []
    factory = inlineformset_factory(
        Announcement, AnnouncementTranslation, form=TranslationForm, formset=TranslationFormSet
    )
    rows: Any = factory(data, instance=written, prefix="translations")
    if not rows.is_valid():
        return [], [*rows.non_form_errors(), *(text for one in rows.forms for text in _errors_of(one))]
    deleted = rows.deleted_forms
    return [one.cleaned_data for one in rows.forms if one.cleaned_data and one not in deleted], []


def _announce(words: Announcement, translations: Sequence[dict[str, Any]], person: Person) -> Announcement:
    start = timezone.now()
    words.title = _marked(words.title, settings.LANGUAGE_CODE)
    words.by, words.is_test = cast("Any", person), True
    words.starts_at, words.ends_at = start, start + LASTS
    with transaction.atomic():
        words.audience = audience_lists.create([person], words.ends_at)
        words.save()
        AnnouncementTranslation.objects.bulk_create(
            AnnouncementTranslation(
                announcement=words,
                language=one["language"],
                title=_marked(one["title"], one["language"]),
                body=one["body"],
            )
            for one in translations
        )
        announce.announce_if_due(words, by=person)
    return words


def _marked(title: str, language: str) -> str:
    with translation.override(language):
        return (_("[Test] %(title)s") % {"title": title})[:_LONGEST_TITLE]


def _errors_of(form: Any) -> Iterator[str]:
    for name, messages in form.errors.items():
        for message in messages:
            yield str(message) if name == NON_FIELD_ERRORS else f"{form.fields[name].label}: {message}"


def _lines(announcement: Announcement, person: Person) -> Iterator[str]:
    """Yield how each delivery method reaches the person, or why it does not."""
    preferred = preferences.methods_of([person.pk], kind_of(KIND))[person.pk]
    wanted = methods_for(announcement.methods, announcement.urgency, preferred)
    usable = usable_transports()
    for name in all_methods() if announcement.methods is None else announcement.methods:
        if name not in wanted:
            words = _("switched off in your preferences")
        elif name == DeliveryMethod.LIVE:
            words = _("on each page of this site that you have open")
        elif name == DeliveryMethod.FLASH:
            words = _("on your next page, unless you have seen it by then")
        elif name in usable:
            words = _sent_to(name, len(find_addresses(name, [person]).get(person.pk, ())))
        else:
            words = _("does not work at the moment")
        yield f"{capfirst(method_name(name))}: {words}"


def _sent_to(name: str, addresses: int) -> str:
    if addresses:
        text = ngettext(
            "to %(number)d address of yours, unless a page shows it first",
            "to %(number)d addresses of yours, unless a page shows it first",
            addresses,
        )
        return text % {"number": addresses}
    if name == DeliveryMethod.WEB_PUSH:
        return _("you haven't turned on push notifications in any browser")
    return _("it has no address of yours")
