from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext_lazy as _

from showcase.models import Post, Reply

if TYPE_CHECKING:
    PostModelForm = forms.ModelForm[Post]
    ReplyModelForm = forms.ModelForm[Reply]
else:
    PostModelForm = ReplyModelForm = forms.ModelForm


class PostForm(PostModelForm):
    class Meta:
        model = Post
        fields = ("title", "body")
        labels = {"title": _("Title"), "body": _("Text")}
        widgets = {
            "title": forms.TextInput(attrs={"autocomplete": "off"}),
            "body": forms.Textarea(attrs={"rows": 4}),
        }


class ReplyForm(ReplyModelForm):
    class Meta:
        model = Reply
        fields = ("body",)
        labels = {"body": _("Your reply")}
        widgets = {"body": forms.Textarea(attrs={"rows": 3})}
