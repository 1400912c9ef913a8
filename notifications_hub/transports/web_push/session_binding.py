"""The binding of a browser to a person: it gets pushes until they sign out of the session it was registered in.

Signing out forgets the browser. An expired session does not, or a phone that is seldom opened would fall silent. A
changed password ends all other sessions of a person, so their browsers are held back. The next page of a signed-in
browser registers it again by itself.
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
from notifications_hub.transports.web_push.subscriptions import PushSubscription, find_own, password_stamp
from notifications_hub.transports.web_push.vapid import current_key

if TYPE_CHECKING:
    from django.http import HttpRequest

_REMEMBERED = "notifications_hub.push_subscription"


def bind(request: HttpRequest, subscription: PushSubscription) -> None:
    """Make the session remember its browser."""
    if request.session.get(_REMEMBERED) != subscription.pk:
        request.session[_REMEMBERED] = subscription.pk


def binding_of(request: HttpRequest) -> str:
    """Return an opaque binding, empty while push is off. When it changes, the browser should register again."""
    key = current_key()
    if key is None or not request.user.is_authenticated:
        return ""
    session = getattr(request, "session", None)
    parts = (request.user.pk, request.user.password, session and session.session_key, key.fingerprint)
    return salted_hmac("notifications_hub.binding", repr(parts), algorithm="sha256").hexdigest()[:16]


def is_bound(person: AbstractBaseUser, address: str) -> bool:
    """Return whether the browser still belongs to the person: no sign-out and no new password."""
    stamps = ("", password_stamp(person))
    return find_own(person, address).filter(password_stamp__in=stamps).exists()


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
    """Connect the signals. Call it once models are loaded."""
    user_logged_out.connect(_signed_out, dispatch_uid="notifications_hub.push_signed_out")
    post_save.connect(_person_saved, sender=get_user_model(), dispatch_uid="notifications_hub.push_person_saved")
