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
    """The language is the one the form was read in; a script fills in the browser's time zone."""

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
        """A browser may know a zone that this machine does not; that is no reason to turn somebody away."""
        name: str = self.cleaned_data["time_zone"]
        return name if name in known_time_zones() else User._meta.get_field("time_zone").get_default()

    def save(self, commit: bool = True) -> User:
        self.instance.language = get_language() or User._meta.get_field("language").get_default()
        self.instance.time_zone = self.cleaned_data["time_zone"]
        return super().save(commit)


class ProfileForm(UserForm):
    class Meta:
        model = User
        fields = ("first_name", "last_name", "email", "language", "time_zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        typed = self.fields["time_zone"]
        for name in ("first_name", "last_name"):
            self.fields[name].validators.append(validate_visible)
        self.fields["time_zone"] = forms.ChoiceField(
            label=typed.label, help_text=typed.help_text, choices=_choices_with(self.instance.time_zone)
        )


def _choices_with(current: str) -> list[Any]:
    """A zone under an old spelling stays chosen until its owner chooses another."""
    choices = time_zone_choices()
    offered = {name for _, zones in choices for name, _ in zones}
    return [*choices] if current in offered else [(current, current), *choices]
