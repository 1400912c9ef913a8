from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications_hub import isolated

MAX_BODY = 2_000


class Room(models.Model):
    """Whoever is signed in may join one that is open; into any other its keeper invites people."""

    slug = models.SlugField(_("address"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=60)
    is_open = models.BooleanField(_("anybody may join"), default=True)
    keeper = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="kept_rooms",
        verbose_name=_("keeper"),
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="rooms", verbose_name=_("members")
    )
    created = models.DateTimeField(_("opened"), default=timezone.now, editable=False)

    class Meta:
        ordering = ("name", "pk")
        verbose_name = _("room")
        verbose_name_plural = _("rooms")

    def __str__(self) -> str:
        return isolated(self.name)

    def get_absolute_url(self) -> str:
        return reverse("chat:room", args=[self.slug])

    @property
    def topic(self) -> str:
        return f"room.{self.slug}"


class Membership(models.Model):
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("room"))
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("person")
    )
    read_through = models.BigIntegerField(_("read up to this message"), default=0)
    joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    class Meta:
        ordering = ("joined", "pk")
        constraints = (models.UniqueConstraint(fields=["room", "person"], name="showcase_one_membership"),)
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")

    def __str__(self) -> str:
        return f"{self.person}, {self.room}"


class Invitation(models.Model):
    """The keeper asks somebody in. Until they accept, the room is not among theirs and they hear nothing of it."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="invitations", verbose_name=_("room"))
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="invitations",
        db_index=False,
        verbose_name=_("person"),
    )
    created = models.DateTimeField(_("invited"), default=timezone.now, editable=False)

    class Meta:
        ordering = ("-created", "-pk")
        constraints = (models.UniqueConstraint(fields=["person", "room"], name="showcase_one_invitation"),)
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return f"{self.person}, {self.room}"


class Message(models.Model):
    """`client_id` is the sender's own name for it: sent again after a lost answer, it is the same message."""

    room = models.ForeignKey(
        Room, on_delete=models.CASCADE, related_name="messages", db_index=False, verbose_name=_("room")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,
        verbose_name=_("author"),
    )
    client_id = models.CharField(max_length=36, editable=False)
    body = models.TextField(_("message"), max_length=MAX_BODY)
    created = models.DateTimeField(_("written"), default=timezone.now, editable=False)

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["room", "author", "client_id"], name="showcase_sent_once"),)
        # A room's history is read from its end, and so is what a person has just sent.
        indexes = (
            models.Index(fields=["room", "-id"], name="showcase_room_history"),
            models.Index(fields=["author", "-id"], name="showcase_just_sent"),
        )
        verbose_name = _("message")
        verbose_name_plural = _("messages")

    def __str__(self) -> str:
        return self.body[:60]

    def get_absolute_url(self) -> str:
        return f"{self.room.get_absolute_url()}#message-{self.pk}"
