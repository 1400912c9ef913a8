"""The wire form of an email: headers that stay whole, and boundaries that are the same each time.

Python splits and encodes every header by rules for the worst case, which takes longer than rendering the email. Most
are short and plain, so they are written as they are.
"""

from __future__ import annotations

import email.policy
from email.message import Message as ParsedMessage
from email.policy import Compat32, EmailPolicy
from typing import Any

import django
from django.core.mail import EmailMultiAlternatives
from django.utils.crypto import salted_hmac

MOST_CHARACTERS = 76
"""Characters of a line that need no folding."""
_SALT = "notifications_hub.email.boundary"
_WHOLE = frozenset({"list-unsubscribe", "in-reply-to", "references"})


class _Modern(EmailPolicy):
    """A policy that leaves links and ids whole. Python would encode a longer one, and no mail program could read it."""

    def fold(self, name: str, value: Any) -> str:
        is_as_it_is = name.lower() in _WHOLE or _is_plain(name, value)
        return f"{name}: {value}{self.linesep}" if is_as_it_is else super().fold(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        is_as_it_is = name.lower() in _WHOLE or _is_plain(name, value)
        return f"{name}: {value}{self.linesep}".encode() if is_as_it_is else super().fold_binary(name, value)


class _Classic(Compat32):
    """The policy of Django before 6.0, which leaves links and ids whole by itself."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if _is_plain(name, value):
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


def _is_plain(name: str, value: Any) -> bool:
    text = str(value)
    return text.isascii() and len(name) + len(text) < MOST_CHARACTERS and "=?" not in text and text.isprintable()


_CLASSIC = _Classic()


class HubEmail(EmailMultiAlternatives):
    """An email whose links stay whole in its headers. Sent twice, it has the same bytes, except for the date."""

    def message(self, **kwargs: Any) -> Any:
        if django.VERSION >= (6, 0):
            kwargs["policy"] = _Modern(linesep=kwargs.get("policy", email.policy.default).linesep)
        made = super().message(**kwargs)
        self._complete(made)
        return made

    def _complete(self, made: ParsedMessage) -> None:
        parts = [part for part in made.walk() if part.get_content_maintype() == "multipart"]
        for number, part in enumerate(parts):
            if part.get_boundary() is None:
                # Python would look for one that no line has. This one is unknown until the email is sent.
                part.set_boundary(f"=_{number}_{self._secret()}")
        if django.VERSION < (6, 0):
            for part in made.walk():
                part.policy = _CLASSIC

    def _secret(self) -> str:
        name = self.extra_headers.get("Message-ID", "")
        return salted_hmac(_SALT, f"{name}\n{self.body}", algorithm="sha256").hexdigest()[:32]
