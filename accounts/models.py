from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.locales import language_choices, validate_time_zone
from notifications_hub import is_blank, isolated


class User(AbstractUser):
    """A person, with the language they read and the time zone they live in."""

    language = models.CharField(
        _("language"),
        max_length=10,
        choices=language_choices,
        default="en",
        help_text=_("Pages, notifications and pushes come in this language."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        default="UTC",
        validators=[validate_time_zone],
        help_text=_("Times are shown in this zone."),
    )

    class Meta(AbstractUser.Meta):
        abstract = False

    def __str__(self) -> str:
        """Return the name as it can stand in any sentence and beside any other text."""
        name = self.get_full_name()
        return isolated(self.username if is_blank(name) else name)
