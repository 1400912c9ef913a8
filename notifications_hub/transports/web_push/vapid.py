"""The site's Web Push key pair (VAPID, RFC 8292), which identifies the sender to push services.

The private key comes from settings only. It is never written, logged or shown; browsers subscribe with the public part.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.exceptions import ImproperlyConfigured
from py_vapid import Vapid02, VapidException

from notifications_hub.conf import hub_settings

VALID_SECONDS = 11 * 3600
RENEW_SECONDS = 3600
CACHED_ORIGINS = 256

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class VapidKey:
    """A key pair, and the headers it signed. Each header is reused for as many hours as it is valid."""

    def __init__(self, private: str, setting: str = "VAPID_PRIVATE_KEY") -> None:
        """Load the 32-byte scalar `private`, in base64url. Raise `ImproperlyConfigured`, which names the setting."""
        self._signer = Vapid02(_private_key(private, setting))
        point = self._signer.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = b64url(point)
        self.fingerprint = hashlib.sha256(point).hexdigest()[:32]
        self._signed: dict[tuple[str, str], tuple[float, str]] = {}

    def __repr__(self) -> str:
        return f"<VapidKey {self.fingerprint}>"

    def authorization(self, origin: str, subject: str) -> str:
        """Return a push service's `Authorization` header. Raise `ImproperlyConfigured` if the subject is unusable."""
        until, header = self._signed.get((origin, subject), (0.0, ""))
        if until - time.time() < RENEW_SECONDS:
            until = time.time() + VALID_SECONDS
            header = self._sign({"aud": origin, "sub": subject, "exp": int(until)})
            self._remember((origin, subject), (until, header))
        return header

    def _sign(self, claims: dict[str, str | int]) -> str:
        try:
            return str(self._signer.sign(claims)["Authorization"])
        except VapidException as error:
            raise ImproperlyConfigured(f"VAPID_SUBJECT must be a mailto: or https: address. ({error})") from error

    def _remember(self, key: tuple[str, str], value: tuple[float, str]) -> None:
        # The cache is bounded, because a wildcard on the allow-list lets a browser name any number of origins.
        if len(self._signed) >= CACHED_ORIGINS:
            self._signed.clear()
        self._signed[key] = value


def current_key() -> VapidKey | None:
    """Return the site's key, or None if push is off."""
    return _key(hub_settings.vapid_private_key, "VAPID_PRIVATE_KEY")


def previous_key() -> VapidKey | None:
    return _key(hub_settings.vapid_previous_key, "VAPID_PREVIOUS_KEY")


def key_for(fingerprint: str) -> VapidKey | None:
    """Return the key a browser subscribed with if it is still ours, otherwise the current one."""
    previous = previous_key()
    return previous if previous and previous.fingerprint == fingerprint else current_key()


def key_of(public: str) -> VapidKey | None:
    """Return the key of ours with this public part, in base64url with or without padding."""
    ours = [key for key in (current_key(), previous_key()) if key]
    return next((key for key in ours if key.public == public.rstrip("=")), None)


def generate() -> str:
    """Return a new private key, in the form of the setting."""
    scalar = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return b64url(scalar.to_bytes(32, "big"))


def b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_b64url(text: str) -> bytes:
    """Decode base64url strictly, with or without padding. Raise `ValueError` for anything else."""
    bare = text.rstrip("=")
    if not _BASE64URL.fullmatch(bare):
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))


def _key(private: str, setting: str) -> VapidKey | None:
    return _loaded(private, setting) if private else None


@lru_cache(maxsize=4)
def _loaded(private: str, setting: str) -> VapidKey:
    return VapidKey(private, setting)


def _private_key(text: str, setting: str) -> ec.EllipticCurvePrivateKey:
    try:
        raw = from_b64url(text)
        if len(raw) != 32:
            raise ValueError("not 32 bytes")
        return ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
    except ValueError:
        # The cause is left out, because it may quote the key.
        raise ImproperlyConfigured(
            f"{setting} must be 32 bytes in base64url, without quotes or spaces; `manage.py hub_vapid --env` makes one."
        ) from None
