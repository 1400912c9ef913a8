"""Taking the right to listen away: rows that every hub reads each second, and at once where a hint reaches it.

Django's own ways of ending a session write such a row in their own transaction: signing out, a changed password, a
person deactivated or deleted through the model. What is changed behind the model's back is found once a minute.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db import models, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import Signal

from notifications_hub.conf import require_time_zones
from notifications_hub.events import inbox_topic
from notifications_hub.people import Person, person_key

if TYPE_CHECKING:
    from django.http import HttpRequest

REMEMBERED = timedelta(seconds=60)
"""How long hubs go on reading a row: longer than any of them can have been held up without losing its connections."""

revoked = Signal()
"""Sent once a revocation has committed; a hint for hubs not to wait for their next look."""


class What(models.TextChoices):
    PERSON = "person"
    """Every connection of a person ends."""
    SESSION = "session"
    """Every connection of one session ends."""
    TOPIC = "topic"
    """A person's connections that listen to a topic end."""
    CHECK = "check"
    """A person's connections end whose session is no longer valid."""


class Revocation(models.Model):
    what = models.CharField(max_length=10, choices=What)
    person = models.CharField(max_length=64, blank=True)
    session = models.CharField(max_length=64, blank=True)
    topic = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "notifications_hub"

    def __str__(self) -> str:
        return f"{self.what} {self.person}{self.session[:8]} {self.topic}".strip()


def revoke(user: Person, topic: str | None = None, session: str | None = None) -> None:
    """Ends connections within two seconds of the commit: a person's, or only those on a topic, or of a session key.

    It takes no right away: whoever comes back is asked again by session and by the topic's rule.
    """
    if session is not None:
        _write(What.SESSION, session=hashed(session))
    elif topic is not None:
        _write(What.TOPIC, person=person_key(user.pk), topic=inbox_topic(user.pk) if topic == "inbox" else topic)
    else:
        _write(What.PERSON, person=person_key(user.pk))


def hashed(session_key: str) -> str:
    """Sessions are known by this outside of their own table: a row must not be a way to sign in."""
    return sha256(session_key.encode()).hexdigest()


def recent() -> list[Revocation]:
    return list(Revocation.objects.filter(created__gt=datetime.now(UTC) - REMEMBERED).order_by("pk"))


def forget_old() -> None:
    Revocation.objects.filter(created__lt=datetime.now(UTC) - 2 * REMEMBERED).delete()


def _write(what: What, **columns: str) -> None:
    require_time_zones()
    with transaction.atomic():
        Revocation.objects.create(what=what, created=datetime.now(UTC), **columns)
        transaction.on_commit(lambda: revoked.send_robust(sender=Revocation), robust=True)


# Django's own means


def _signed_out(request: HttpRequest, **kwargs: object) -> None:
    if key := request.session.session_key:
        _write(What.SESSION, session=hashed(key))


def _person_saved(instance: Any, created: bool, update_fields: frozenset[str] | None, **kwargs: object) -> None:
    # Signing in saves `last_login` alone, which ends nothing.
    if not created and (update_fields is None or update_fields & {"password", "is_active"}):
        _write(What.CHECK, person=person_key(instance.pk))


def _person_deleted(instance: Any, **kwargs: object) -> None:
    _write(What.PERSON, person=person_key(instance.pk))


def connect() -> None:
    """Called once models are loaded."""
    user_logged_out.connect(_signed_out, dispatch_uid="notifications_hub.signed_out")
    post_save.connect(_person_saved, sender=get_user_model(), dispatch_uid="notifications_hub.person_saved")
    post_delete.connect(_person_deleted, sender=get_user_model(), dispatch_uid="notifications_hub.person_deleted")
