"""Reasons of deliveries: stored as a code with parameters, put into words in the reader's language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from notifications_hub.kinds import method_name
from notifications_hub.web.text import storable

LONGEST_TEXT = 255
LONGEST_CODE = 30
_SEPARATOR = "/"

Parameters = Mapping[str, str | int]


class ReasonCode(TextChoices):
    """A code, and its words for admins. `%(because)s` is another reason, `%(method)s` a delivery method."""

    # Nothing was sent, because nothing needed to be.
    DELIVERED_BY = "delivered_by", _("Already delivered (%(method)s).")
    DELIVERED_ALREADY = "delivered_already", _("Another delivery method had already reached the person.")
    READ = "read", _("The person had already read it.")
    ARCHIVED = "archived", _("The person had already archived it.")
    SNOOZED = "snoozed", _("The person had snoozed it.")
    DECIDED = "decided", _("Somebody had already decided it.")
    DELETED = "deleted", _("The notification was deleted.")
    EXPIRED = "expired", _("It had expired.")
    ANNOUNCEMENT_OVER = "announcement_over", _("The announcement was over.")
    STOPPED = "stopped", _("An admin stopped the sending.")
    LEFT_AUDIENCE = "left_audience", _("The person had left the audience.")
    SWITCHED_OFF = "switched_off", _("The person had switched this off.")
    PERSON_INACTIVE = "person_inactive", _("The person's account is no longer active.")

    # Steps of an escalation.
    ESCALATED = "escalated", _("The person had not answered.")
    CONFIRMED = "confirmed", _("The person had already confirmed it.")
    NOBODY_TO_NOTIFY = "nobody_to_notify", _("There was nobody else to notify.")
    NO_ADDRESS = "no_address", _("The person has no address for it (%(method)s).")
    METHOD_MISSING = "method_missing", _("This site does not send by it at the moment (%(method)s).")
    STEP_REMOVED = "step_removed", _("The kind no longer has this step.")
    STEP_FAILED = "step_failed", _("Unexpected error: %(error)s. The log has more.")

    # Nothing was sent yet.
    HELD_BACK = "held_back", _("Paused: %(because)s")
    HOST_FAILING = "host_failing", _("Waiting: %(host)s is not answering as it should.")
    HOST_SLOW = "host_slow", _("Waiting: %(host)s is slow to answer.")
    DIGEST = "digest", _("Waiting: it comes in the person's next digest, at %(until)s UTC.")
    QUIET_HOURS = "quiet_hours", _("Waiting: the person's quiet hours last until %(until)s UTC.")
    RATE_LIMITED = "rate_limited", _("Waiting: %(host)s has reached its rate limit.")

    # An attempt was made.
    ACCEPTED = "accepted", _("The service accepted it.")
    SUMMED_UP = "summed_up", _("The service accepted one summary of %(number)s notifications.")
    GAVE_UP = "gave_up", _("Gave up: %(because)s")
    TIMED_OUT = "timed_out", _("No answer came in time.")
    NO_ANSWER = "no_answer", _("No answer came within %(seconds)s seconds.")
    WORKER_STOPPED = "worker_stopped", _("The worker stopped before an answer came.")
    UNEXPECTED = "unexpected", _("Unexpected error: %(error)s.")
    TRANSPORT_SAID = "transport_said", "%(text)s"
    DATABASE_AWAY = "database_away", _("The database could not be reached.")

    # Services and addresses of people's own.
    ADDRESS_REMOVED = "address_removed", _("This address was removed.")
    ADDRESS_GONE = "address_gone", _("The service no longer accepts this address.")
    ADDRESS_REFUSED = "address_refused", _("This site no longer sends to this address.")
    ADDRESS_UNREADABLE = "address_unreadable", _("The site's key has changed, so the address must be added again.")
    SERVICE_ANSWERED = "service_answered", _("The service answered %(status)s.")
    SERVICE_FAILED = "service_failed", _("The service did not accept it.")
    SERVICE_BUSY = "service_busy", _("Waiting: other messages to this service are under way.")
    MESSAGE_TOO_LONG = "message_too_long", _("The service found it too long.")

    # Email.
    NO_EMAIL = "no_email", _("The person has no email address, or emails to it were stopped.")
    EMAIL_REFUSED = "email_refused", _("The mail server refused the email with status %(status)s.")

    # Web Push.
    BROWSER_REMOVED = "browser_removed", _("Push was turned off in this browser.")
    BROWSER_GONE = "browser_gone", _("The browser no longer accepts pushes.")
    PASSWORD_CHANGED = "password_changed", _("The password was changed. Push resumes when this browser signs in again.")
    PUSH_ANSWERED = "push_answered", _("The push service answered %(status)s.")
    PUSH_REFUSED = "push_refused", _("The push service refused it with status %(status)s.")
    TOO_LONG = "too_long", _("The push service found it too long.")
    KEYS_UNUSABLE = "keys_unusable", _("The browser's encryption keys are unusable.")
    NO_KEY = "no_key", _("Push is off: this site has no VAPID key.")


@dataclass(frozen=True, slots=True)
class DeliveryReason:
    """A code with its parameters; `str` puts it into words in the active language.

    Parameters may hold a host's own text, so each is cleaned and cut to what every database stores. If an outcome could
    not be recorded, the message would be sent again after each lease.
    """

    code: ReasonCode
    parameters: Parameters = field(default_factory=dict)

    def __post_init__(self) -> None:
        cleaned = {name: _cleaned(value) for name, value in self.parameters.items()}
        object.__setattr__(self, "parameters", cleaned)

    @classmethod
    def of(cls, code: ReasonCode, **parameters: str | int) -> DeliveryReason:
        return cls(code, parameters)

    @classmethod
    def wrapped(cls, code: ReasonCode, because: DeliveryReason) -> DeliveryReason:
        """Return a reason around another, with the parameters of both. `because` lists the inner codes."""
        inner = [because.code.value, *filter(None, [because.parameters.get("because")])]
        return cls(code, {**because.parameters, "because": _SEPARATOR.join(map(str, inner))})

    @classmethod
    def from_transport(cls, text: object) -> DeliveryReason:
        """Return a transport's own words as a reason."""
        return text if isinstance(text, DeliveryReason) else cls.of(ReasonCode.TRANSPORT_SAID, text=str(text))

    def __str__(self) -> str:
        return _in_words(self.code, self.parameters)


def reason_in_words(code: str, parameters: Parameters) -> str:
    """Return a stored reason in the active language. A code of another version of this package is returned as it is."""
    return _in_words(ReasonCode(code), parameters) if code in ReasonCode.values else code


def _in_words(code: ReasonCode, parameters: Parameters) -> str:
    # A stored parameter that is missing must not break the page that lists the delivery.
    words: dict[str, str | int] = defaultdict(lambda: "?", parameters)
    if "method" in parameters:
        words["method"] = method_name(str(parameters["method"]))
    if "because" in parameters:
        because, _separator, rest = str(parameters["because"]).partition(_SEPARATOR)
        inner = {name: value for name, value in parameters.items() if name != "because"}
        words["because"] = reason_in_words(because, {**inner, "because": rest} if rest else inner)
    return str(code.label) % words


def _cleaned(value: str | int) -> str | int:
    return value if type(value) is int else storable(str(value), LONGEST_TEXT)
