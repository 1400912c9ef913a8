"""The wire form of an email: headers that stay whole, and boundaries that are the same each time.

Python splits and encodes every header by rules for the worst case, which takes longer than rendering the email. It may
also leave a header's first line empty. So what is plain, or encoded already, is folded here.
"""

from __future__ import annotations

import email.policy
import re
from email.header import Header
from email.message import Message as ParsedMessage
from email.policy import Compat32, EmailPolicy
from email.utils import formataddr
from typing import Any

import django
from django.core.mail import EmailMultiAlternatives
from django.utils.crypto import salted_hmac

LONGEST_LINE = 78
"""Characters of a line, if it has a place to fold. RFC 5322, section 2.1.1."""
_WORD = 66
"""Characters of an encoded word, so that it fits beside the names of headers."""
_SALT = "notifications_hub.email.boundary"
_WHOLE = frozenset({"list-unsubscribe", "in-reply-to", "references"})
_LIST_ID = "list-id"
_FOLD = re.compile(r"\r?\n[ \t]+")


class _Modern(EmailPolicy):
    """A policy that leaves links and ids whole. Python would encode a longer one, and no mail program could read it."""

    def fold(self, name: str, value: Any) -> str:
        found = _written(name, str(value), self.linesep)
        return super().fold(name, value) if found is None else found

    def fold_binary(self, name: str, value: Any) -> bytes:
        found = _written(name, str(value), self.linesep)
        return super().fold_binary(name, value) if found is None else found.encode("ascii")


def _written(name: str, text: str, linesep: str) -> str | None:
    """Return the lines of a header, or None if Python has to encode it."""
    if name.lower() == _LIST_ID and not text.isascii():
        label, _space, identifier = text.rpartition(" ")
        return _folded(name, list_id(label, identifier.strip("<>")), linesep)
    if text.isascii() and (name.lower() in _WHOLE or (len(name) + len(text) < LONGEST_LINE - 2 and "=?" not in text)):
        return f"{name}: {text}{linesep}"
    return None


class _Classic(Compat32):
    """The policy of Django before 6.0, which encodes a header when it is set."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if isinstance(value, str) and value.isascii():
            return _folded(name, _FOLD.sub(" ", value), self.linesep).encode("ascii")
        return super().fold_binary(name, value)


def _folded(name: str, text: str, linesep: str) -> str:
    """Return a header of plain text, folded at its spaces. Its first line is never empty."""
    first, *others = text.split(" ")
    lines = [f"{name}: {first}"]
    for word in others:
        if len(lines[-1]) + 1 + len(word) > LONGEST_LINE:
            lines.append(f" {word}")
        else:
            lines[-1] += f" {word}"
    return linesep.join(lines) + linesep


def list_id(label: str, identifier: str) -> str:
    """Return a `List-Id` (RFC 2919). Only its label is encoded: filters read the identifier as it is."""
    if label.isascii():
        return formataddr((label, identifier))
    return f"{Header(label, 'utf-8').encode(linesep='', maxlinelen=_WORD)} <{identifier}>"


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
