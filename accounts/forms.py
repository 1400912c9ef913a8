from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.utils.translation import get_language

from accounts.locales import known_time_zones, time_zone_choices
from accounts.models import User
from notifications_hub import validate_visible

if TYPE_CHECKING:
    CreationForm = UserCreationForm[User]
    UserForm = forms.ModelForm[User]
else:
    CreationForm = UserCreationForm
    UserForm = forms.ModelForm


class SignUpForm(CreationForm):
    """The sign-up form. It saves the language the page was in; a script fills in the browser's time zone."""

    time_zone = forms.CharField(
        required=False, widget=forms.HiddenInput(attrs={"data-time-zone": "", "autocomplete": "off"})
    )

    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].validators.append(validate_visible)

    def clean_time_zone(self) -> str:
        """Return the browser's time zone, or the default one if this machine does not know it."""
        name: str = self.cleaned_data["time_zone"]
        return name if name in known_time_zones() else User._meta.get_field("time_zone").get_default()

    def save(self, commit: bool = True) -> User:
        self.instance.browser_language = get_language() or ""
        self.instance.time_zone = self.cleaned_data["time_zone"]
        return super().save(commit)


class ProfileForm(UserForm):
    class Meta:
        model = User
        fields = ("first_name", "last_name", "email", "language", "time_zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        original = self.fields["time_zone"]
        for name in ("first_name", "last_name"):
            self.fields[name].validators.append(validate_visible)
        self.fields["time_zone"] = forms.ChoiceField(
            label=original.label, help_text=original.help_text, choices=_choices_with(self.instance.time_zone)
        )


def _choices_with(current: str) -> list[Any]:
    """Return the time zones to choose from, with the current one even if its name is an old spelling."""
    choices = time_zone_choices()
    offered = {name for _, zones in choices for name, _ in zones}
    return [*choices] if current in offered else [(current, current), *choices]
