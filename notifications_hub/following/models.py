"""The table of follows: one row for each person and each thing that they follow, or decided not to follow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications_hub.database.primary import HubModel, PrimaryManager
from notifications_hub.following.followed import MAX_KEY, Followed
from notifications_hub.following.reasons import FOLLOWING, MAX_REASON

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
"""The end of a mute that the person ends themselves."""


class FollowState(models.TextChoices):
    FOLLOWING = "following", _("following")
    IGNORED = "ignored", _("not following")


class FollowQuerySet(models.QuerySet["Follow"]):
    def about(self, followed: Followed) -> Self:
        return self.filter(content_type=followed.content_type_id, object_key=followed.key)

    def active(self) -> Self:
        return self.filter(state=FollowState.FOLLOWING)

    def heard(self, now: datetime) -> Self:
        """Return the follows whose person hears of it now."""
        return self.active().filter(models.Q(muted_until=None) | models.Q(muted_until__lte=now))


FollowManager = PrimaryManager.from_queryset(FollowQuerySet)


class Follow(HubModel):
    """One person and one thing. An ignored thing is not followed again automatically."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        verbose_name=_("person"),
    )
    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE, related_name="+", db_index=False)
    object_key = models.CharField(max_length=MAX_KEY)
    state = models.CharField(_("state"), max_length=10, choices=FollowState.choices, default=FollowState.FOLLOWING)
    reason = models.CharField(_("reason"), max_length=MAX_REASON, default=FOLLOWING)
    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    since = models.DateTimeField(_("since"), default=timezone.now)

    objects = FollowManager()  # type: ignore[misc]

    class Meta(HubModel.Meta):
        # The constraint also finds a thing's followers in the order of their keys, from any person on.
        constraints = [
            models.UniqueConstraint(fields=["content_type", "object_key", "person"], name="hub_follow_once"),
        ]
        indexes = [models.Index(fields=["person", "state", "-id"], name="hub_follow_of_person")]
        verbose_name = _("follow")
        verbose_name_plural = _("follows")

    def __str__(self) -> str:
        return f"{self.person_id}: {self.followed}"

    @property
    def followed(self) -> Followed:
        return Followed(self.content_type_id, self.object_key)
