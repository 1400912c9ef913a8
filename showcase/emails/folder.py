"""A mail backend that keeps emails as files, and the reader of those files."""

from __future__ import annotations

import email
import email.policy
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage as ParsedEmail
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

KEPT = 50
_NAME = re.compile(r"\d{8}-\d{12}-[0-9a-f]{8}", re.ASCII)


class FolderBackend(BaseEmailBackend):
    """Keeps each email in a file of `EMAIL_FOLDER`, and deletes the oldest."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            name = f"{datetime.now(UTC):%Y%m%d-%H%M%S%f}-{uuid.uuid4().hex[:8]}"
            # The file appears complete or not at all, since a page may read at this moment.
            draft = folder / f"{name}.draft"
            draft.write_bytes(message.message().as_bytes())
            draft.rename(folder / f"{name}.eml")
        for old in _newest_first()[KEPT:]:
            old.unlink(missing_ok=True)
        return len(email_messages)


@dataclass(frozen=True, slots=True)
class KeptEmail:
    """An email as its file has it."""

    name: str
    at: datetime
    to: str
    subject: str
    text: str
    html: str


def kept_emails() -> list[KeptEmail]:
    """Return the emails, the newest first."""
    found = (kept_email(path.stem) for path in _newest_first())
    return [one for one in found if one is not None]


def kept_email(name: str) -> KeptEmail | None:
    """Return the email of this name, or None."""
    if not _NAME.fullmatch(name):
        return None
    try:
        parsed = email.message_from_bytes((_folder() / f"{name}.eml").read_bytes(), policy=email.policy.default)
    except FileNotFoundError:
        return None
    at = datetime.strptime(name[:21], "%Y%m%d-%H%M%S%f").replace(tzinfo=UTC)
    return KeptEmail(name, at, str(parsed["To"]), str(parsed["Subject"]), _part(parsed, "plain"), _part(parsed, "html"))


def _part(parsed: ParsedEmail, kind: str) -> str:
    part: Any = parsed.get_body((kind,))
    return "" if part is None else str(part.get_content())


def _newest_first() -> list[Path]:
    return sorted(_folder().glob("*.eml"), reverse=True)


def _folder() -> Path:
    return Path(settings.EMAIL_FOLDER)
