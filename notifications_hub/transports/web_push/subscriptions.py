"""Push subscriptions: the browsers in which a person turned on push."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core import signing
from django.db import models
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from notifications_hub.database import transaction
from notifications_hub.database.primary import HubModel
from notifications_hub.delivery.reasons import LONGEST_CODE, DeliveryReason
from notifications_hub.transports.outbound.endpoints import Lookup, check_addresses
from notifications_hub.transports.web_push.endpoints import is_extra_host, parse_endpoint
from notifications_hub.transports.web_push.vapid import VapidKey, current_key, from_b64url, key_of

BROWSERS_PER_PERSON = 10
RENEW_SALT = "notifications_hub.renew"

_NOT_HELD_BACK: dict[str, Any] = {"quarantined_at": None, "quarantine_reason": "", "quarantine_parameters": {}}
_INVALID_RENEWAL = "The token is invalid or has expired."
POINT_BYTES = 65
AUTH_BYTES = 16


class InvalidSubscription(ValueError):
    """Raised when a browser's subscription is invalid. The message names the fault and contains no secrets."""


class PushSubscription(HubModel):
    """One browser of one person. A row never changes hands, so its planned pushes cannot reach someone else."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="push_subscriptions",
        verbose_name=gettext_lazy("owner"),
    )
    endpoint = models.CharField(max_length=2048)
    endpoint_hash = models.CharField(max_length=64, unique=True, editable=False)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=30)
    key_fingerprint = models.CharField(max_length=32, blank=True)
    # A stamp of the password at registration: a changed password ends the session, and pushes wait for a new sign-in.
    password_stamp = models.CharField(max_length=32, blank=True, editable=False)
    site = models.CharField(max_length=200, blank=True, editable=False)
    name = models.CharField(gettext_lazy("browser"), max_length=100, blank=True)
    created = models.DateTimeField(gettext_lazy("turned on"), default=timezone.now)
    last_used = models.DateTimeField(gettext_lazy("last used"), default=timezone.now)
    # Set when a push service refused us rather than the browser. Our key may be wrong, so the row must survive.
    quarantined_at = models.DateTimeField(gettext_lazy("paused since"), null=True, blank=True)
    quarantine_reason = models.CharField(gettext_lazy("paused because"), max_length=LONGEST_CODE, blank=True)
    quarantine_parameters = models.JSONField(default=dict, editable=False)

    class Meta(HubModel.Meta):
        ordering = ("-last_used", "-id")
        verbose_name = gettext_lazy("push subscription")
        verbose_name_plural = gettext_lazy("push subscriptions")
        # For the metrics, which count the few paused ones.
        indexes = [
            models.Index(
                fields=["quarantined_at"], name="hub_push_paused", condition=models.Q(quarantined_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return name_in_words(self.name)

    def as_json(self) -> dict[str, Any]:
        """Return the part that its owner may see: never the endpoint or the keys, which let others send."""
        return {"id": str(self.pk), "name": str(self), "created": self.created, "last_used": self.last_used}


@dataclass(frozen=True)
class Keys:
    """The endpoint and keys of a browser. Only that browser can read a message encrypted for it (RFC 8291)."""

    endpoint: str
    p256dh: str
    auth: str

    @classmethod
    def from_json(cls, given: Mapping[str, Any], lookup: Lookup | None = None) -> Keys:
        """Read `PushSubscription.toJSON()`. Raise `InvalidSubscription`, or `EndpointRefused` for its endpoint."""
        keys = given.get("keys")
        if not isinstance(keys, Mapping):
            raise InvalidSubscription("The subscription has no keys.")
        endpoint = parse_endpoint(_text(given, "endpoint"))
        check_addresses(endpoint, is_extra_host, lookup)
        p256dh, auth = _text(keys, "p256dh"), _text(keys, "auth")
        _check_point(p256dh)
        _check_auth(auth)
        return cls(str(endpoint.url), p256dh.rstrip("="), auth.rstrip("="))

    @property
    def endpoint_hash(self) -> str:
        return hashlib.sha256(self.endpoint.encode()).hexdigest()


def register(
    user: AbstractBaseUser,
    subscription_json: Mapping[str, Any],
    user_agent: str,
    *,
    site: str = "",
    lookup: Lookup | None = None,
) -> PushSubscription:
    """Store this browser as `user`'s, and nobody else's. `site` is the root of the site it was registered at.

    Raise `ValueError` (`InvalidSubscription` or `EndpointRefused`) with a sentence for the person.
    """
    keys = Keys.from_json(subscription_json, lookup)
    bound = {"name": browser_name(user_agent), "password_stamp": password_stamp(user), "site": site[:200]}
    with transaction.atomic():
        _take_from_others(user, keys)
        subscription, _created = PushSubscription.objects.update_or_create(
            endpoint_hash=keys.endpoint_hash,
            owner_id=user.pk,
            defaults=_columns(keys, _signing_key(subscription_json)) | bound | _NOT_HELD_BACK,
        )
        _drop_beyond_limit(user)
    return subscription


def renewal_token(subscription: PushSubscription) -> str:
    """Return a token that lets the service worker, which has no session, replace this subscription once."""
    return signing.dumps([subscription.pk, subscription.endpoint_hash], salt=RENEW_SALT)


def renew(token: str, subscription_json: Mapping[str, Any], *, lookup: Lookup | None = None) -> PushSubscription:
    """Move the same browser of the same person to a new endpoint, where its planned pushes then go.

    Raise `ValueError` as `register` does, also for a token that is invalid or was used.
    """
    old = _renewable(token)
    keys = Keys.from_json(subscription_json, lookup)
    columns = _columns(keys, _signing_key(subscription_json))
    with transaction.atomic():
        taken = PushSubscription.objects.filter(endpoint_hash=keys.endpoint_hash).exclude(pk=old.pk).first()
        if taken is not None:
            return _already_registered(old, taken)
        # A new endpoint resolves a refusal, but not the end of the session.
        freed = _NOT_HELD_BACK if old.password_stamp == password_stamp(old.owner) else {}
        renewed = PushSubscription.objects.filter(pk=old.pk, endpoint_hash=old.endpoint_hash)
        if not renewed.update(**columns, **freed):
            raise InvalidSubscription(_INVALID_RENEWAL)
    return PushSubscription.objects.get(pk=old.pk)


def find_own(user: AbstractBaseUser, subscription_id: str | int) -> models.QuerySet[PushSubscription]:
    """Find this person's browser by id. Another person's browser looks as if it did not exist."""
    pk = str(subscription_id)
    if not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        return PushSubscription.objects.none()
    return PushSubscription.objects.filter(owner_id=user.pk, pk=int(pk))


def forget(user: AbstractBaseUser, subscription_id: str | int) -> bool:
    """Delete this person's browser. Return whether it existed."""
    deleted, _rows = find_own(user, subscription_id).delete()
    return deleted > 0


def _take_from_others(user: AbstractBaseUser, keys: Keys) -> None:
    # The secret proves that it is the same browser. Knowing an endpoint alone is not enough to take it from its owner.
    other = PushSubscription.objects.filter(endpoint_hash=keys.endpoint_hash).exclude(owner_id=user.pk).first()
    if other is None:
        return
    if not constant_time_compare(other.auth, keys.auth):
        raise InvalidSubscription("The keys do not belong to this endpoint.")
    other.delete()


def _renewable(token: str) -> PushSubscription:
    try:
        pk, endpoint_hash = signing.loads(token, salt=RENEW_SALT)
        return PushSubscription.objects.select_related("owner").get(pk=pk, endpoint_hash=endpoint_hash)
    except (signing.BadSignature, PushSubscription.DoesNotExist, TypeError, ValueError):
        raise InvalidSubscription(_INVALID_RENEWAL) from None


def _already_registered(old: PushSubscription, taken: PushSubscription) -> PushSubscription:
    if taken.owner_id != old.owner_id:
        raise InvalidSubscription("This browser is someone else's now.")
    old.delete()
    return taken


def _columns(keys: Keys, key: VapidKey | None) -> dict[str, Any]:
    return {
        "endpoint": keys.endpoint,
        "endpoint_hash": keys.endpoint_hash,
        "p256dh": keys.p256dh,
        "auth": keys.auth,
        "key_fingerprint": key.fingerprint if key else "",
        "last_used": timezone.now(),
    }


def _signing_key(given: Mapping[str, Any]) -> VapidKey | None:
    """Return the key of ours that the browser names. A browser that names none has the current key."""
    public = given.get("key")
    if not public:
        return current_key()
    key = key_of(str(public))
    if key is None:
        raise InvalidSubscription("The subscription was made with a key that is not this site's.")
    return key


def password_stamp(user: AbstractBaseUser) -> str:
    """Return a stamp that changes with the password and reveals nothing about it."""
    return hashlib.sha256(user.password.encode()).hexdigest()[:32]


def _drop_beyond_limit(user: AbstractBaseUser) -> None:
    newest_first = PushSubscription.objects.filter(owner_id=user.pk).order_by("-last_used", "-pk")
    surplus = list(newest_first.values_list("pk", flat=True)[BROWSERS_PER_PERSON:])
    if surplus:
        PushSubscription.objects.filter(pk__in=surplus).delete()


def quarantine(pk: int, reason: DeliveryReason, at: datetime) -> None:
    """Hold a browser back until it registers again. It is not deleted, because our own key may be the fault."""
    PushSubscription.objects.filter(pk=pk, quarantined_at=None).update(
        quarantined_at=at, quarantine_reason=reason.code, quarantine_parameters=reason.parameters
    )


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidSubscription(f"The subscription has no {name}.")
    return value


def _check_point(p256dh: str) -> None:
    try:
        raw = from_b64url(p256dh)
        if len(raw) != POINT_BYTES:
            raise ValueError("wrong length")
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError:
        raise InvalidSubscription("The key p256dh is not an uncompressed point on the curve P-256.") from None


def _check_auth(auth: str) -> None:
    try:
        length = len(from_b64url(auth))
    except ValueError:
        length = 0
    if length != AUTH_BYTES:
        raise InvalidSubscription(f"The key auth is not {AUTH_BYTES} bytes in base64url.")


_BROWSERS = (
    ("Edge", r"Edg(e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|Chromium/|CriOS/"),
    ("Safari", r"Safari/"),
)
_SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux|X11"),
)
_ON = " on "


def browser_name(user_agent: str) -> str:
    """Return a name such as “Firefox on Linux”, always in English, for the list of a person's browsers."""
    browser = next((name for name, pattern in _BROWSERS if re.search(pattern, user_agent)), "")
    system = next((name for name, pattern in _SYSTEMS if re.search(pattern, user_agent)), "")
    if browser and system:
        return f"{browser}{_ON}{system}"
    return browser or system or gettext_noop("A browser")


def name_in_words(name: str) -> str:
    """Return a name of `browser_name` in the active language."""
    browser, on, system = name.partition(_ON)
    if on:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return name and _(name)
