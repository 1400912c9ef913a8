"""What binds a browser to a person: it is told until they sign out of the session that it was registered in.

Signing out forgets it; a session that grows too old does not, or a phone that is seldom opened would fall silent. A
changed password ends every other session of a person, so their browsers are held back until one that is signed in
registers again, which its next page does by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_save
from django.utils import timezone
from django.utils.crypto import salted_hmac

from notifications_hub.delivery.reasons import ReasonCode
from notifications_hub.transports.web_push.subscriptions import PushSubscription, own, password_stamp
from notifications_hub.transports.web_push.vapid import current_key

if TYPE_CHECKING:
    from django.http import HttpRequest

_REMEMBERED = "notifications_hub.push_subscription"


def bind(request: HttpRequest, subscription: PushSubscription) -> None:
    """Has the session remember its browser."""
    if request.session.get(_REMEMBERED) != subscription.pk:
        request.session[_REMEMBERED] = subscription.pk


def binding_of(request: HttpRequest) -> str:
    """Opaque; another one than last time means that the browser should register again. Empty while push is off."""
    key = current_key()
    if key is None or not request.user.is_authenticated:
        return ""
    session = getattr(request, "session", None)
    parts = (request.user.pk, request.user.password, session and session.session_key, key.fingerprint)
    return salted_hmac("notifications_hub.binding", repr(parts), algorithm="sha256").hexdigest()[:16]


def is_bound(person: AbstractBaseUser, address: str) -> bool:
    """Return whether this browser still speaks for the person: they did not sign out of it, nor change the password."""
    stamps = ("", password_stamp(person))
    return own(person, address).filter(password_stamp__in=stamps).exists()


def _signed_out(request: HttpRequest | None, user: AbstractBaseUser | None, **kwargs: object) -> None:
    # Channels names no request when it signs out a scope, and a sign-out by token has no session.
    session = getattr(request, "session", None)
    pk = session.get(_REMEMBERED) if session is not None else None
    if pk is not None and user is not None:
        PushSubscription.objects.filter(pk=pk, owner_id=user.pk).delete()


def _person_saved(instance: Any, created: bool, update_fields: frozenset[str] | None, **kwargs: object) -> None:
    if created or not (update_fields is None or "password" in update_fields):
        return
    older = PushSubscription.objects.filter(owner_id=instance.pk, quarantined_at=None)
    older.exclude(password_stamp__in=("", password_stamp(instance))).update(
        quarantined_at=timezone.now(), quarantine_reason=ReasonCode.PASSWORD_CHANGED, quarantine_parameters={}
    )


def connect() -> None:
    """Called once models are loaded."""
    user_logged_out.connect(_signed_out, dispatch_uid="notifications_hub.push_signed_out")
    post_save.connect(_person_saved, sender=get_user_model(), dispatch_uid="notifications_hub.push_person_saved")
