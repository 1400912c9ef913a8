"""The author's consent that an announcement may lead to another site, which the form asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from notifications_hub.announcements.models import Announcement
from notifications_hub.conf import hub_settings
from notifications_hub.web.outside_links import BadLink, read_link

if TYPE_CHECKING:
    Form = forms.ModelForm[Announcement]
else:
    Form = forms.ModelForm

FIELD = "other_site"


class LinkConsent(Form):
    """The box that names the other site. It appears once the link leads to one, and consent is to that site alone."""

    other_site = forms.Field(required=False, widget=forms.MultipleHiddenInput, label="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        agreed = self.instance.link.host
        self._host = _host(self.data.get(self.add_prefix("url"), "")) if self.is_bound else agreed
        if self._host:
            words = _("Lead people to %(host)s") % {"host": self._host}
            self.fields[FIELD].widget = forms.CheckboxSelectMultiple(choices=[(self._host, words)])
            self.fields[FIELD].help_text = _("They see where the link leads. Pushes open the announcement's own page.")
            self.initial[FIELD] = [agreed] if agreed else []

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self._host and not self.errors.get("url") and self._host not in (self.cleaned_data.get(FIELD) or ()):
            words = _("This link leads to another site, %(host)s. Tick the box below if that is intended.")
            self.add_error("url", ValidationError(words % {"host": self._host}, code="other_site"))
        return self.cleaned_data


def _host(url: str) -> str:
    try:
        return read_link(url.strip(), hub_settings.site_url).host
    except BadLink:
        return ""
