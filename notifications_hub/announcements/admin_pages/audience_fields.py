"""The form's fields of an audience: one that the site knows, or people chosen by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from notifications_hub import audience_lists, audiences
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.pasted_people import find_people, text_naming
from notifications_hub.announcements.reach import AudienceFailed, check_readable

CHOSEN = "chosen"
"""The choice of people by hand, whose list is made when the announcement is saved."""
_LONGEST = 1_000_000


class PeopleWidget(AdminTextareaWidget):
    """A text of names, and a search that adds to it if scripts run."""

    template_name = "admin/notifications_hub/announcement/people_widget.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        return {**context, "search_url": reverse("admin:notifications_hub_announcement_people")}


def audience_field(label: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=_choices, help_text=_("People who join later will see it too."))


def people_field() -> forms.CharField:
    return forms.CharField(
        label=_("People"),
        required=False,
        max_length=_LONGEST,
        widget=PeopleWidget(attrs={"rows": 6, "dir": "auto", "spellcheck": "false", "autocapitalize": "off"}),
        help_text=_("User names, e-mail addresses or keys: one a line, or separated by commas or semicolons."),
    )


def initial_of(announcement: Announcement) -> dict[str, str]:
    """Return the initial values for an announcement to people chosen by hand; nothing for any other."""
    if not audience_lists.is_list(announcement.audience):
        return {}
    return {"audience": CHOSEN, "people": text_naming(audiences.members(announcement.audience))}


def chosen_people(text: str) -> Sequence[Any]:
    """Return the primary keys of the people that a text names. Raise `ValidationError` for each kind of wrong name."""
    found = find_people(text)
    if problems := found.problems():
        raise ValidationError(problems)
    return found.people


def check_audience(audience: str) -> None:
    """Raise `ValidationError` if an audience cannot be read now."""
    try:
        check_readable(audience)
    except AudienceFailed as error:
        raise ValidationError(problem_in_words(error)) from None
    except audiences.UnknownAudience as error:
        raise ValidationError(str(error)) from None


def problem_in_words(error: AudienceFailed) -> str:
    return str(_("This audience cannot be read: %(problem)s") % {"problem": error})


def store_people(announcement: Announcement, people: Sequence[Any]) -> None:
    """Make these people the announcement's audience, before it is saved. The same people keep their list."""
    before = announcement.audience
    if audience_lists.is_list(before) and set(people) == set(audience_lists.keys_of(before)):
        return
    announcement.audience = audience_lists.create_of_keys(people, announcement.ends_at)
    if not Announcement.objects.filter(audience=before).exclude(pk=announcement.pk).exists():
        audience_lists.delete(before)


def _choices() -> list[tuple[str, Any]]:
    return [*audiences.choices(), (CHOSEN, _("People chosen by hand"))]
