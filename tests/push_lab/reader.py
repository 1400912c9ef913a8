"""A browser reduced to its keys: it subscribes with them, and decrypts pushes."""

from __future__ import annotations

import json
import os
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.push_lab.checks import encode


class Reader:
    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = os.urandom(16)

    def to_json(self) -> dict[str, Any]:
        """Return the same as the browser's `PushSubscription.toJSON()`."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": encode(point), "auth": encode(self._auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> bytes:
        plain = http_ece.decrypt(body, private_key=self._key, auth_secret=self._auth, version="aes128gcm")
        return bytes(plain)

    def read_json(self, body: bytes) -> dict[str, Any]:
        return dict(json.loads(self.read(body)))
