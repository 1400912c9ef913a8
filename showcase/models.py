from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from showcase.chat.models import Membership, Message, Room

__all__ = ["Membership", "Message", "Post", "Reply", "Room"]


class Post(models.Model):
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="posts", verbose_name=_("author")
    )
    title = models.CharField(_("title"), max_length=120)
    body = models.TextField(_("text"), max_length=10_000)
    created = models.DateTimeField(_("written"), default=timezone.now, editable=False)

    class Meta:
        ordering = ("-created", "-pk")
        indexes = (models.Index(fields=["-created", "-id"], name="showcase_latest_posts"),)
        verbose_name = _("post")
        verbose_name_plural = _("posts")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("post", args=[self.pk])


class Reply(models.Model):
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="replies", verbose_name=_("post"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="replies", verbose_name=_("author")
    )
    body = models.TextField(_("reply"), max_length=5_000)
    created = models.DateTimeField(_("written"), default=timezone.now, editable=False)

    class Meta:
        ordering = ("created", "pk")
        verbose_name = _("reply")
        verbose_name_plural = _("replies")

    def __str__(self) -> str:
        return self.body[:60]

    def get_absolute_url(self) -> str:
        return f"{reverse('post', args=[self.post_id])}#reply-{self.pk}"
