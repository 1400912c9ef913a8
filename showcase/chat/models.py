from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications_hub import isolated

MAX_BODY = 2_000
PRESENCE_PREFIX = "here."


class Room(models.Model):
    """A chat room. Anyone signed in may join an open one; the owner invites people to a closed one."""

    slug = models.SlugField(_("address"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=60)
    is_open = models.BooleanField(_("anyone can join"), default=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="owned_rooms",
        verbose_name=_("owner"),
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="rooms", verbose_name=_("members")
    )
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False)

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

    @property
    def presence_topic(self) -> str:
        """The topic of the people who have the room open."""
        return f"{PRESENCE_PREFIX}{self.slug}"


class Membership(models.Model):
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("room"))
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("person")
    )
    read_through = models.BigIntegerField(_("last message read"), default=0)
    joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    class Meta:
        ordering = ("joined", "pk")
        constraints = (models.UniqueConstraint(fields=["room", "person"], name="showcase_one_membership"),)
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")

    def __str__(self) -> str:
        return f"{self.person}, {self.room}"


class Invitation(models.Model):
    """An invitation by the owner. Until the person accepts, they are no member and get no events of the room."""

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
    """A chat message. `client_id` is chosen by the sender's page, so that a message sent again is stored once."""

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
        # Both indexes are read from the end: a room's history, and a person's latest messages for the rate limit.
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
