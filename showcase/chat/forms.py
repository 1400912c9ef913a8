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
    """A text field that counts a line break as one character, as browsers do, although they send two."""

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

    def create_for(self, owner: User) -> Room:
        """Create the room, with its owner as the first member."""
        self.instance.owner = owner
        self.instance.slug = _free_slug(self.instance.name)
        room = self.save()
        Membership.objects.create(room=room, person=owner)
        return room


class MemberForm(forms.Form):
    username = forms.CharField(label=_("Username"), max_length=150, widget=forms.TextInput({"autocomplete": "off"}))


def _free_slug(name: str) -> str:
    """Return a slug that no room has or had, readable if the name has Latin letters."""
    return f"{slugify(name)[:40]}-{secrets.token_hex(3)}".lstrip("-")
