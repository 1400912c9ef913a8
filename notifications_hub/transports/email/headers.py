"""The headers of an email: how mail programs thread it, unsubscribe from it, and tell that no person wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.crypto import salted_hmac

from notifications_hub.conf import hub_settings
from notifications_hub.message import Message
from notifications_hub.transports.email.recipients import Recipient
from notifications_hub.transports.email.wire_form import list_id

_SALT = "notifications_hub.email"
_NOT_IN_LIST_ID = re.compile(r"[^a-z0-9.]+")


def sender() -> str:
    return hub_settings.email_from or settings.DEFAULT_FROM_EMAIL


def headers_of(message: Message, recipient: Recipient, *, list_label: str, unsubscribe: str) -> Mapping[str, str]:
    """Return the headers. `unsubscribe` is the absolute link that stops such emails; empty if nothing does."""
    headers = {
        "Message-ID": _message_id(message, recipient),
        "List-Id": list_id(list_label, f"{_list_name(message.kind)}.{_site()}"),
        # RFC 3834, and Exchange's own: no absence notes, please.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }
    if message.thread:
        # No email has this id. Programs thread emails that refer to the same one.
        headers["References"] = headers["In-Reply-To"] = _identifier("thread", message.thread)
    if unsubscribe:
        # RFC 8058
        headers["List-Unsubscribe"] = f"<{unsubscribe}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _message_id(message: Message, recipient: Recipient) -> str:
    """Return the same id for a message that is sent twice, so that mail programs show one.

    An escalation sends it again on purpose, so mail programs must show it again.
    """
    if message.group:
        return _identifier("group", message.group, str(recipient.pk))
    repeat = [str(message.repeat)] if message.repeat else []
    return _identifier("message", message.id, str(recipient.pk), *repeat)


def _identifier(*parts: str) -> str:
    """Return an id that reveals nothing."""
    digest = salted_hmac(_SALT, "\n".join(parts), algorithm="sha256").hexdigest()[:32]
    domain = parseaddr(sender())[1].rpartition("@")[2] or _site()
    return f"<{digest}@{domain}>"


def _list_name(kind: str) -> str:
    return _NOT_IN_LIST_ID.sub("-", kind.lower()).strip(".-") or "default"


def _site() -> str:
    return urlsplit(hub_settings.site_url).hostname or "localhost"
