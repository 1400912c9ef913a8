"""The admin's form for announcements."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import get_language_info, ngettext
from django.utils.translation import gettext_lazy as _

from notifications_hub.admin_base import label_parts
from notifications_hub.announcements.admin_pages import zone
from notifications_hub.announcements.admin_pages.audience_fields import (
    CHOSEN,
    audience_field,
    check_audience,
    chosen_people,
    initial_of,
    people_field,
    store_people,
)
from notifications_hub.announcements.admin_pages.banner import BANNER_FIELDS, explain_banner
from notifications_hub.announcements.admin_pages.link_consent import LinkConsent
from notifications_hub.announcements.methods import all_methods
from notifications_hub.announcements.models import Announcement, AnnouncementTranslation
from notifications_hub.announcements.validation import MAX_BODY
from notifications_hub.conf import hub_settings
from notifications_hub.kinds import method_name
from notifications_hub.users import Person, person_key
from notifications_hub.web.throttle import check_rate

DRAFT = "_draft"
"""The name of the button that saves a draft."""
_FORMSET = "_notifications_hub_translations"
"""The attribute by which the form of an announcement finds that of its translations."""

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    Form = forms.ModelForm[Announcement]
    TranslationBase = forms.ModelForm[AnnouncementTranslation]
    TranslationFormSetBase = forms.BaseInlineFormSet[AnnouncementTranslation, Announcement, TranslationBase]
else:
    Form = TranslationBase = forms.ModelForm
    TranslationFormSetBase = forms.BaseInlineFormSet


_PASTED = 10 * MAX_BODY
"""Characters that a browser lets into a text. At `MAX_BODY` it would cut a longer one, and say nothing."""


def other_languages() -> list[tuple[str, str]]:
    """Return the languages an announcement may be translated into, as code and native name."""
    written_in = settings.LANGUAGE_CODE
    return [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES if code != written_in]


class MethodsField(forms.MultipleChoiceField):
    """Checkboxes of the delivery methods. All of them mean None: also those that the site adds later."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=_method_choices, required=False, **kwargs)

    def prepare_value(self, value: Any) -> list[str]:
        return all_methods() if value is None else list(value)

    def clean(self, value: Any) -> list[str] | None:
        chosen = super().clean(value)
        return None if set(chosen) == set(all_methods()) else chosen

    def has_changed(self, initial: Any, data: Any) -> bool:
        return set(self.prepare_value(initial)) != set(data or [])


def _method_choices() -> list[tuple[str, str]]:
    return [(name, method_name(name)) for name in all_methods()]


class AnnouncementForm(LinkConsent):
    """An announcement. Without a start it begins at once; without an end it runs for the site's usual time."""

    once = forms.UUIDField(widget=forms.HiddenInput, required=False)
    # The zone in which the times are shown. The pages read it before the form does.
    zone = forms.CharField(widget=forms.HiddenInput, required=False)
    people = people_field()
    author: Person | None = None
    """The person whose announcements are counted; the admin sets it on its form."""

    class Meta:
        model = Announcement
        fields = (
            "title",
            "body",
            "url",
            "level",
            "urgency",
            "audience",
            "methods",
            "must_acknowledge",
            "starts_at",
            "ends_at",
            *BANNER_FIELDS,
        )
        widgets = {
            "title": AdminTextInputWidget(attrs={"dir": "auto"}),
            "body": AdminTextareaWidget(attrs={"rows": 8, "dir": "auto"}),
            "url": AdminTextInputWidget(attrs={"placeholder": "/posts/9/"}),
            "level": forms.RadioSelect,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.was_draft = self.instance.is_draft
        self.initial["zone"] = zone.zone_name()
        if self.instance._state.adding:
            self.initial.update(once=uuid.uuid4(), starts_at=None, ends_at=None)
        elif self.instance.is_draft:
            self.initial.update(_empty_times(self.instance))
        _let_long_text_in(self)
        self._offer_audiences()
        self._offer_methods()
        self._explain_times()
        self._explain_urgency()
        explain_banner(self.fields)

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        self._keep_unchanged_times()
        if cleaned.get("audience") == CHOSEN and "people" in cleaned:
            self._find_people(cleaned)
        if "starts_at" in self.fields and not self.errors.get("starts_at"):
            cleaned["starts_at"] = cleaned.get("starts_at") or timezone.now()
        if "ends_at" in self.fields and not self.errors.get("ends_at"):
            cleaned["ends_at"] = cleaned.get("ends_at") or self._usual_end(cleaned)
        return cleaned

    def full_clean(self) -> None:
        super().full_clean()
        # Last, so that a form with errors counts for nothing.
        if self.is_bound and not self.errors and self._is_sent() and self._are_translations_valid():
            self._count()

    def _count(self) -> None:
        if seconds := _wait_of(self.author):
            self.add_error(None, ValidationError(_too_many(seconds), code="rate"))

    def _are_translations_valid(self) -> bool:
        """Return whether the formset of this announcement's translations, if it has one, lets the form be saved."""
        formset = vars(self.instance).get(_FORMSET)
        return formset is None or formset.is_valid()

    def _is_sent(self) -> bool:
        """Return whether saving sends it, now or at its start, or asks a second person to. An edit of one does not."""
        return DRAFT not in self.data and (self.instance._state.adding or self.was_draft)

    def _keep_unchanged_times(self) -> None:
        """Keep what the form shows without microseconds, and which of two equal times it is."""
        if self.instance._state.adding:
            return
        for name in ("starts_at", "ends_at"):
            given, stored = self.cleaned_data.get(name), getattr(self.instance, name)
            if given and zone.is_same_on_the_clock(given, stored):
                self.cleaned_data[name] = stored

    def clean_ends_at(self) -> Any:
        end = self.cleaned_data["ends_at"]
        if end and end <= timezone.now():
            raise ValidationError(_("It must end in the future. To end it now, withdraw it."))
        return end

    def clean_audience(self) -> str:
        audience: str = self.cleaned_data["audience"]
        if audience != CHOSEN:
            check_audience(audience)
        return audience

    def store_people(self) -> None:
        """Store the people chosen by hand as the announcement's audience, in the transaction that saves it."""
        if (people := self.cleaned_data.get("chosen_people")) is not None:
            self.instance.audience = self.audience_before
            store_people(self.instance, people)

    def _find_people(self, cleaned: dict[str, Any]) -> None:
        try:
            cleaned["chosen_people"] = chosen_people(cleaned["people"])
        except ValidationError as error:
            self.add_error("people", error)

    def _offer_audiences(self) -> None:
        self.audience_before = self.instance.audience
        if "audience" not in self.fields:
            del self.fields["people"]
            return
        self.fields["audience"] = audience_field(self.fields["audience"].label)
        self.initial.update(initial_of(self.instance))

    def _offer_methods(self) -> None:
        if "methods" in self.fields:
            self.fields["methods"] = MethodsField(
                label=self.fields["methods"].label,
                help_text=_("Besides the inbox. People get it only by those they want, unless it is critical."),
            )

    def _explain_times(self) -> None:
        texts: dict[str, Any] = {
            "starts_at": _("Leave empty to start at once."),
            "ends_at": _(
                "It then disappears from every page and inbox. Leave empty to end %(days)d days after the start."
            )
            % {"days": hub_settings.announcement_days},
        }
        for name in texts.keys() & self.fields.keys():
            self.fields[name].required = False
            # Compare with what is stored now, not with what the page had when it was opened.
            self.fields[name].show_hidden_initial = False
            label_parts(self.fields[name].widget)
            self.fields[name].help_text = texts[name]

    def _explain_urgency(self) -> None:
        if "urgency" in self.fields:
            critical = _(
                "Critical reaches people by every method above, whatever they prefer, also in their quiet hours."
            )
            approved = _("A second person has to approve it.")
            needs = hub_settings.announcement_approval_above is not None
            self.fields["urgency"].help_text = f"{critical} {approved}" if needs else critical

    def _usual_end(self, cleaned: dict[str, Any]) -> Any:
        start = cleaned.get("starts_at") or self.instance.starts_at
        try:
            return start + timedelta(days=hub_settings.announcement_days)
        except OverflowError:
            # The start is refused with words.
            return start


def _wait_of(author: Person | None) -> int:
    """Count an announcement of this person. Return 0, or the seconds until they may send the next one."""
    return 0 if author is None else check_rate(f"announce:{person_key(author.pk)}", hub_settings.announcement_rate)


def _too_many(seconds: int) -> str:
    minutes = ceil(seconds / 60)
    text = ngettext(
        "You have sent many announcements. Save this one as a draft, or send it in %(number)d minute.",
        "You have sent many announcements. Save this one as a draft, or send it in %(number)d minutes.",
        minutes,
    )
    return text % {"number": minutes}


def _empty_times(announcement: Announcement) -> dict[str, None]:
    """Return the times that a draft's form leaves empty: a start that has come, and the usual or a past end."""
    now, usual = timezone.now(), timedelta(days=hub_settings.announcement_days)
    empty: dict[str, None] = {}
    if announcement.starts_at <= now:
        empty["starts_at"] = None
    if announcement.ends_at <= now or abs(announcement.ends_at - announcement.starts_at - usual) < timedelta(minutes=1):
        empty["ends_at"] = None
    return empty


def _let_long_text_in(form: forms.BaseForm) -> None:
    if "body" in form.fields:
        form.fields["body"].widget.attrs["maxlength"] = _PASTED


class TranslationForm(TranslationBase):
    class Meta:
        model = AnnouncementTranslation
        fields = ("language", "title", "body")
        widgets = {
            "title": AdminTextInputWidget(attrs={"dir": "auto"}),
            "body": AdminTextareaWidget(attrs={"rows": 4, "dir": "auto"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _let_long_text_in(self)
        label = self.fields["language"].label
        self.fields["language"] = forms.ChoiceField(label=label, choices=[("", "—"), *other_languages()])


class TranslationFormSet(TranslationFormSetBase):
    """The formset of translations. It checks the announcement's size again, as only here all languages are known."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The admin makes both forms for one object, and looks at this one last.
        vars(self.instance)[_FORMSET] = self

    def clean(self) -> None:
        super().clean()
        if not any(self.errors):
            self.instance.check_size([form.instance for form in self.forms if self._is_kept(form)])

    def _is_kept(self, form: TranslationBase) -> bool:
        return bool(form.cleaned_data) and form not in self.deleted_forms
