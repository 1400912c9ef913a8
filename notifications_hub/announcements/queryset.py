"""Tell which announcements are planned, running or over, as states and as queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications_hub.database.primary import PrimaryManager
from notifications_hub.streams.models import Event, item_key

if TYPE_CHECKING:
    from notifications_hub.announcements.models import Announcement  # noqa: F401 -- in a text below

KIND = "announcement"


class AnnouncementState(models.TextChoices):
    DRAFT = "draft", _("draft")
    AWAITING = "awaiting", _("awaiting approval")
    PLANNED = "planned", _("planned")
    RUNNING = "running", _("running")
    ENDED = "ended", _("ended")
    WITHDRAWN = "withdrawn", _("withdrawn")


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    def running(self) -> Self:
        """Return the announcements that inboxes show now."""
        return self.current().filter(ends_at__gt=timezone.now())

    def current(self) -> Self:
        """Return the running ones, and those that ended within about a second and are still on open pages."""
        return self.filter(announced_at__isnull=False, withdrawn_at=None)

    def banners(self) -> Self:
        """Return the running ones that are banners, too. A test for its author is none."""
        return self.running().filter(is_banner=True, is_test=False)

    def due(self) -> Self:
        """Return those that should start now but are not announced yet."""
        now = timezone.now()
        return self.released().filter(announced_at=None, withdrawn_at=None, starts_at__lte=now, ends_at__gt=now)

    def released(self) -> Self:
        """Return those that may be announced: no drafts, and none that await a second person's approval."""
        return self.filter(is_draft=False, awaits_approval=False)

    def over(self) -> Self:
        """Return those that have ended but are still shown on open pages."""
        return self.current().filter(ends_at__lte=timezone.now())

    def record_numbers(self) -> None:
        """Store the sequence number of each announcement's event. It may run longer than its event is kept."""
        for one in self.current().filter(seq=None).only("audience"):
            # By item, which is indexed, because a log may be long.
            of_it = Event.objects.filter(topic=one.audience, item=item_key(KIND, one.item_id), seq__isnull=False)
            created = of_it.filter(kind="announcement.created")
            seq = created.order_by("-seq").values_list("seq", flat=True).first()
            if seq is not None:
                self.filter(pk=one.pk).update(seq=seq)

    def in_state(self, state: AnnouncementState) -> Self:
        ended = models.Q(ends_at__lte=timezone.now())
        withdrawn = models.Q(withdrawn_at__lt=models.F("ends_at"))
        unannounced = models.Q(announced_at=None, withdrawn_at=None)
        unreleased = models.Q(is_draft=True) | models.Q(awaits_approval=True)
        if state is AnnouncementState.RUNNING:
            return self.running()
        wanted = {
            AnnouncementState.DRAFT: unannounced & models.Q(is_draft=True),
            AnnouncementState.AWAITING: unannounced & ~ended & models.Q(is_draft=False, awaits_approval=True),
            AnnouncementState.PLANNED: unannounced & ~ended & ~unreleased,
            AnnouncementState.ENDED: ended & ~models.Q(is_draft=True) & (models.Q(withdrawn_at=None) | ~withdrawn),
        }
        return self.filter(wanted.get(state, withdrawn))


AnnouncementManager = PrimaryManager.from_queryset(AnnouncementQuerySet)
