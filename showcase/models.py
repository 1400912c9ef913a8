from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.people import hue_of, initial_of
from notifications_hub import LiveManager, isolated, live_rows
from showcase.chat.models import Invitation, Membership, Message, Room

__all__ = ["Invitation", "Membership", "Message", "Post", "Reply", "Room"]


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
        return isolated(self.title)

    def get_absolute_url(self) -> str:
        return reverse("post", args=[self.pk])


@live_rows(
    topic="post.{post_id}",
    fields=["body", "created", "change_url", "author_id", "author_name", "author_initial", "author_hue"],
    related=["author"],
)
class Reply(models.Model):
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="replies", verbose_name=_("post"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="replies", verbose_name=_("author")
    )
    body = models.TextField(_("reply"), max_length=5_000)
    created = models.DateTimeField(_("written"), default=timezone.now, editable=False)

    objects = LiveManager()

    class Meta:
        ordering = ("created", "pk")
        verbose_name = _("reply")
        verbose_name_plural = _("replies")

    def __str__(self) -> str:
        return self.body[:60]

    def get_absolute_url(self) -> str:
        return f"{reverse('post', args=[self.post_id])}#reply-{self.pk}"

    def change_url(self) -> str:
        return reverse("reply", args=[self.pk])

    def author_name(self) -> str:
        return str(self.author)

    def author_initial(self) -> str:
        return initial_of(self.author)

    def author_hue(self) -> int:
        return hue_of(self.author)
