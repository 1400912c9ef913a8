from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from notifications_hub import validate_visible
from showcase.models import Post, Reply

if TYPE_CHECKING:
    PostModelForm = forms.ModelForm[Post]
    ReplyModelForm = forms.ModelForm[Reply]
else:
    PostModelForm = ReplyModelForm = forms.ModelForm


class PostForm(PostModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("title", "body"):
            self.fields[name].validators.append(validate_visible)

    class Meta:
        model = Post
        fields = ("title", "body")
        labels = {"title": _("Title"), "body": _("Text")}
        widgets = {
            "title": forms.TextInput(attrs={"autocomplete": "off"}),
            "body": forms.Textarea(attrs={"rows": 4}),
        }


class ReplyForm(ReplyModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["body"].validators.append(validate_visible)

    class Meta:
        model = Reply
        fields = ("body",)
        labels = {"body": _("Your reply")}
        widgets = {"body": forms.Textarea(attrs={"rows": 3})}
