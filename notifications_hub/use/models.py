"""The tables of use. They hold numbers by day and kind, and outlive the rows and people that they count."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications_hub.database.primary import HubModel
from notifications_hub.tallying.models import Fold


class Source(models.TextChoices):
    """The place where a person changed a preference."""

    PREFERENCES = "preferences", _("preferences")
    LINK = "link", _("link in an email")
    ONE_CLICK = "one_click", _("one-click unsubscribe of a mail program")
    CODE = "code", _("this site's own code")


class What(models.TextChoices):
    """Something that people do with a kind."""

    OFF = "off"
    ON = "on"
    ACTED = "acted"


class KindUse(HubModel):
    """The notifications of a kind that were sent on one day: how many, and what had become of them at an age.

    `method` is what delivered them, or empty. At the age 0 they are only counted, so it is empty then. Notifications
    that are gone at a later age are missing in its numbers.
    """

    day = models.DateField()
    kind = models.CharField(max_length=100)
    method = models.CharField(max_length=20, blank=True)
    age = models.PositiveSmallIntegerField(help_text="in hours")
    number = models.BigIntegerField(default=0, db_default=0)
    seen = models.BigIntegerField(default=0, db_default=0)
    opened = models.BigIntegerField(default=0, db_default=0)
    ignored = models.BigIntegerField(default=0, db_default=0)
    archived = models.BigIntegerField(default=0, db_default=0)
    asked = models.BigIntegerField(default=0, db_default=0)
    confirmed = models.BigIntegerField(default=0, db_default=0)

    class Meta(HubModel.Meta):
        default_permissions = ("view",)
        verbose_name = verbose_name_plural = _("use")
        # It begins with the day, because the page reads a period, and old days are removed.
        constraints = [models.UniqueConstraint(fields=["day", "kind", "method", "age"], name="hub_kind_use_once")]
        # Counts that the last one replaces after some days.
        indexes = [models.Index(fields=["day"], condition=models.Q(age__in=[1, 24]), name="hub_kind_use_replaced")]

    def __str__(self) -> str:
        return f"{self.number} {self.kind} of {self.day} after {self.age} h"


class UseWalk(HubModel):
    """The position of the chore that counts notifications of one age: those up to `through` are counted.

    The row's lock lets one process count. The walk of age 0 counts only what nobody can still commit. `ahead` is the
    newest notification when it looked, and `xid` is above all transactions of that time. Once these have ended,
    everything up to `ahead` is there to count.
    """

    age = models.PositiveSmallIntegerField(primary_key=True)
    through = models.BigIntegerField(default=0)
    ahead = models.BigIntegerField(default=0)
    ahead_at = models.DateTimeField(default=timezone.now)
    xid = models.BigIntegerField(null=True)
    server = models.CharField(max_length=40, blank=True)
    turned_at = models.DateTimeField(default=timezone.now)
    tidied_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"counted to {self.through} after {self.age} h"


class _Done(HubModel):
    what = models.CharField(max_length=10, choices=What)
    kind = models.CharField(max_length=100)
    # The delivery method that was switched. Empty: all of a kind's.
    method = models.CharField(max_length=20, blank=True)
    # A `Source`, or the name of the action.
    detail = models.CharField(max_length=100, blank=True)

    class Meta(HubModel.Meta):
        abstract = True


class UseTally(_Done):
    """So many people did something, at a time."""

    at = models.DateTimeField()
    number = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.number} {self.what} {self.kind}"


class UseSum(_Done):
    """The sum of the tallies of one day."""

    day = models.DateField()
    number = models.BigIntegerField()

    class Meta(_Done.Meta):
        constraints = [
            models.UniqueConstraint(fields=["day", "what", "kind", "method", "detail"], name="hub_use_sum_once")
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.what} {self.kind} on {self.day}"


class UseFold(Fold):
    """The one row of the chore that folds tallies of use."""


def day_of(at: datetime) -> str:
    """Return the day that a time belongs to, in the site's time zone, as SQL reads it."""
    return timezone.localtime(at, timezone.get_default_timezone()).date().isoformat()
