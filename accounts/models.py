from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.locales import language_choices, validate_time_zone
from notifications_hub import is_blank, isolated


class User(AbstractUser):
    """A person, with the language they chose, if any, and the time zone they live in."""

    language = models.CharField(
        _("language"),
        max_length=10,
        choices=language_choices,
        blank=True,
        default="",
        help_text=_("Used for pages, notifications and pushes."),
    )
    # Words what is sent while no browser asks, to a person who never chose. Written only when it changes.
    browser_language = models.CharField(_("language of the browser"), max_length=10, blank=True, editable=False)
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text=_("We show all times in this time zone."),
    )

    class Meta(AbstractUser.Meta):
        abstract = False

    def __str__(self) -> str:
        """Return the display name, isolated so that its writing direction does not affect the text around it."""
        name = self.get_full_name()
        return isolated(self.username if is_blank(name) else name)
