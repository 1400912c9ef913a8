"""The meaning of what a mail backend raises.

550 551 553 5.1.x 5.2.1 to the recipient   the address is gone: permanent, and it gets no more emails
550 551 553 without such a code            the address is gone, or the server is set up wrongly: see `refusals.py`
552 to the content                         too long: worth another try at once, with a shorter message
any other 5xx to the content               this email is refused: permanent, but the address stays
anything else, no answer, 5.7.x            temporary: a refused sender or a policy is for an admin to mend
"""

from __future__ import annotations

import re
import smtplib
import sys

from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.transports.base import TooLong, TransportError

_GONE = frozenset({550, 551, 553})
_TOO_LONG = 552
_ENHANCED = re.compile(rb"\s*5\.(\d{1,3})\.(\d{1,3})(?!\d)")
_OF_SENDER = frozenset({"1.7", "1.8"})
"""RFC 3463: an address of the sender is invalid."""
_DISABLED = "2.1"
"""RFC 3463: the mailbox takes no messages."""


class AddressGone(TransportError):
    """Raised when the email address `address` will never work. It gets no more emails."""

    address = ""


class RecipientRefused(TransportError):
    """Raised when a server refuses a recipient and does not say why: the address may be gone, or the server wrong."""


def error_of(error: Exception) -> TransportError:
    """Return the error of a transport. It holds no words of the other side, which may repeat the address."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _of_recipient(*next(iter(error.recipients.values()), (0, b"")))
    if isinstance(error, smtplib.SMTPDataError):
        return _of_content(error.smtp_code)
    if isinstance(error, smtplib.SMTPResponseException):
        return _answered(error.smtp_code)
    if _is_refused_by_anymail(error):
        return gone(None)
    return _of_another(error)


def _of_another(error: Exception) -> TransportError:
    # Backends of services that are no mail servers name the status of their answer.
    status = getattr(error, "status_code", None)
    if type(status) is int:
        return _answered(status)
    if isinstance(error, OSError):
        # Also a connection that ended without an answer.
        return TransportError(DeliveryReason(ReasonCode.TIMED_OUT))
    return TransportError(DeliveryReason.of(ReasonCode.UNEXPECTED, error=type(error).__name__))


def _of_recipient(code: int, words: bytes) -> TransportError:
    if code not in _GONE:
        return _answered(code)
    status = _enhanced_status(words)
    if status.startswith("7.") or status in _OF_SENDER:
        return _answered(code)
    if status.startswith("1.") or status == _DISABLED:
        return gone(code)
    return RecipientRefused(_answer(code), status=code)


def _enhanced_status(words: bytes) -> str:
    """Return the subject and detail of an enhanced status code (RFC 3463), such as `1.1`; empty without one."""
    found = _ENHANCED.match(words)
    return "" if found is None else b".".join(found.groups()).decode()


def _of_content(code: int) -> TransportError:
    if code == _TOO_LONG:
        return TooLong(DeliveryReason(ReasonCode.MESSAGE_TOO_LONG), status=code)
    if 500 <= code < 600:
        reason = DeliveryReason.of(ReasonCode.EMAIL_REFUSED, status=code)
        return TransportError(reason, permanent=True, status=code)
    return _answered(code)


def gone(status: int | None) -> AddressGone:
    return AddressGone(DeliveryReason(ReasonCode.ADDRESS_GONE), permanent=True, status=status)


def _answered(status: int) -> TransportError:
    return TransportError(_answer(status), status=status)


def _answer(status: int) -> DeliveryReason:
    return DeliveryReason.of(ReasonCode.SERVICE_ANSWERED, status=status)


def _is_refused_by_anymail(error: Exception) -> bool:
    """Return whether a service that django-anymail sends by refused the address itself."""
    module = sys.modules.get("anymail.exceptions")
    return module is not None and isinstance(error, module.AnymailRecipientsRefused)
