"""Checks of a push service. They use `cryptography` alone, independent of the libraries that sign and encrypt."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

MAX_BODY = 4096
MAX_TTL = 30 * 86_400
URGENCIES = ("very-low", "low", "normal", "high")
HEADER_BYTES = 16 + 4 + 1 + 65


class Refused(Exception):
    """Raised for a push that the service answers with a status other than 201."""

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.headers = status, reason, dict(headers or {})


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Decode base64url strictly, with optional padding."""
    bare = text.rstrip("=")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", bare):
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))


def check_vapid(authorization: str | None, *, audience: str, key: bytes | None, now: float) -> dict[str, Any]:
    """Check the VAPID header (RFC 8292), and return its claims. A subscription may be restricted to `key`."""
    if not authorization and key is None:
        return {}
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() != "vapid":
        raise Refused(401, "VAPID authentication required", {"WWW-Authenticate": "vapid"})
    signer, claims = _verified(rest)
    if claims.get("aud") != audience:
        raise Refused(403, f"aud is {claims.get('aud')!r}, not {audience!r}")
    if not now < claims.get("exp", 0) <= now + 86_460:
        raise Refused(403, "exp is over, or more than 24 hours ahead")
    if not str(claims.get("sub", "")).startswith(("mailto:", "https:")):
        raise Refused(403, "sub is neither mailto: nor https:")
    if key is not None and signer != key:
        raise Refused(403, "signed with another key than the browser subscribed with")
    return claims


def _verified(parameters: str) -> tuple[bytes, dict[str, Any]]:
    fields = dict(part.strip().split("=", 1) for part in parameters.split(",") if "=" in part)
    try:
        signer = decode(fields["k"])
        head, body, signature = fields["t"].split(".")
        header, claims, raw = json.loads(decode(head)), json.loads(decode(body)), decode(signature)
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), signer)
    except (KeyError, ValueError) as error:
        raise Refused(403, f"malformed VAPID header: {error}") from None
    if header.get("alg") != "ES256" or len(raw) != 64:
        raise Refused(403, "not an ES256 signature")
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        public.verify(der, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Refused(403, "the signature is wrong") from None
    return signer, claims


def check_body(body: bytes, encoding: str | None) -> None:
    """Check the body: RFC 8188 as restricted by RFC 8291, section 4, to one record and a key that is a point."""
    if len(body) > MAX_BODY:
        raise Refused(413, f"{len(body)} bytes, at most {MAX_BODY}")
    if encoding != "aes128gcm":
        raise Refused(400, f"Content-Encoding is {encoding!r}")
    if len(body) < HEADER_BYTES + 17 or body[20] != 65:
        raise Refused(400, "not an aes128gcm body")
    (record_size,) = struct.unpack("!L", body[16:20])
    if len(body) - HEADER_BYTES > record_size:
        raise Refused(400, "more than one record")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), body[21:HEADER_BYTES])
    except ValueError:
        raise Refused(400, "the sender's key is not a point") from None


def check_headers(headers: Mapping[str, str]) -> tuple[int, str, str | None]:
    """Check time to live, urgency and topic (RFC 8030)."""
    ttl, urgency, topic = headers.get("TTL", ""), headers.get("Urgency", "normal"), headers.get("Topic")
    if not ttl.isdecimal():
        raise Refused(400, "TTL is missing or malformed")
    if urgency not in URGENCIES:
        raise Refused(400, f"Urgency is {urgency!r}")
    if topic is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", topic):
        raise Refused(400, "Topic must be 1 to 32 base64url characters")
    return min(int(ttl), MAX_TTL), urgency, topic
