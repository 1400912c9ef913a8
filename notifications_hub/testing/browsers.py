"""A browser with Web Push for tests. Nothing can be sent to it."""

from __future__ import annotations

import hashlib
import secrets
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.contrib.auth.models import AbstractBaseUser

from notifications_hub.conf import stand_in
from notifications_hub.transports.web_push.subscriptions import AUTH_BYTES, PushSubscription, password_stamp
from notifications_hub.transports.web_push.vapid import b64url, current_key, generate


def add_browser(person: AbstractBaseUser, name: str) -> None:
    """Store a browser of the person. A site without a VAPID key has one from now on, until `forget_key`."""
    stand_in(vapid_private_key=_key(), vapid_subject="mailto:tests@example.com")
    key = current_key()
    assert key is not None
    # The name is reserved, and no host of a push service: a worker in the test refuses it without a look-up.
    endpoint = f"https://browser.invalid/{secrets.token_hex(16)}"
    PushSubscription.objects.create(
        owner_id=person.pk,
        endpoint=endpoint,
        endpoint_hash=hashlib.sha256(endpoint.encode()).hexdigest(),
        p256dh=_point(),
        auth=b64url(secrets.token_bytes(AUTH_BYTES)),
        key_fingerprint=key.fingerprint,
        password_stamp=password_stamp(person),
        name=name,
    )


def forget_key() -> None:
    stand_in()


@cache
def _key() -> str:
    return generate()


@cache
def _point() -> str:
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    return b64url(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
