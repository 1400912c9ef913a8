from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from notifications_hub import validate_visible
from showcase.chat.models import MAX_BODY, Membership, Room

if TYPE_CHECKING:
    RoomModelForm = forms.ModelForm[Room]
else:
    RoomModelForm = forms.ModelForm


class LinesField(forms.CharField):
    """A browser sends each end of line as two characters, which its own count of them takes for one."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class MessageForm(forms.Form):
    body = LinesField(label=_("Message"), max_length=MAX_BODY, validators=[validate_visible])
    client_id = forms.CharField(max_length=36, validators=[RegexValidator(r"\A[A-Za-z0-9-]+\Z")])


class RoomForm(RoomModelForm):
    class Meta:
        model = Room
        fields = ("name", "is_open")
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "off"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].validators.append(validate_visible)

    def open_for(self, keeper: User) -> Room:
        """The room, with its keeper for its first member."""
        self.instance.keeper = keeper
        self.instance.slug = _free_slug(self.instance.name)
        room = self.save()
        Membership.objects.create(room=room, person=keeper)
        return room


class MemberForm(forms.Form):
    username = forms.CharField(label=_("Username"), max_length=150, widget=forms.TextInput({"autocomplete": "off"}))


def _free_slug(name: str) -> str:
    """Readable where the name has Latin letters, and never one that another room has or had."""
    return f"{slugify(name)[:40]}-{secrets.token_hex(3)}".lstrip("-")
