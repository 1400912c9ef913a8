"""The delivery methods that preferences offer, each with its state for one person: what it needs and what failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from notifications_hub.delivery.history import browser_names
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.inbox import address_form, email_form
from notifications_hub.inbox.address_form import Section
from notifications_hub.inbox.devices import Device, devices_of
from notifications_hub.inbox.email_form import EmailSection
from notifications_hub.inbox.push_problems import problem_of
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.notification import Notification
from notifications_hub.transports import declaration_of, get_transport, transport_names
from notifications_hub.transports.email.transport import Email
from notifications_hub.transports.web_push.vapid import current_key
from notifications_hub.users import Person

LOOKED_AT = 15
"""The newest notifications among which the last push is searched. The cost does not grow with the inbox."""


class State(StrEnum):
    """The need of a delivery method, before its switches have an effect."""

    READY = "ready"
    NO_BROWSER = "no_browser"
    PAUSED = "paused"
    UNAVAILABLE = "unavailable"
    NO_ADDRESS = "no_address"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Column:
    """A delivery method: its state, with words and the part of the page that help. `problem` is the last failure."""

    name: str
    label: str
    state: State = State.READY
    why: str = ""
    problem: str = ""
    address: str = ""
    part: str = ""
    locked_because: str = ""

    @property
    def is_ready(self) -> bool:
        return self.state == State.READY


def reason_of_lock(method: str) -> str:
    """Return why nobody can switch a delivery method off that is not optional."""
    return str(declaration_of(method).locked_because) or _("This site always uses it for these notifications.")


@dataclass(frozen=True, slots=True)
class Addresses:
    """The browsers and addresses of a person, read once for the whole page."""

    person: Person
    browsers: Sequence[Device]
    has_push_key: bool
    email: EmailSection | None
    own: Section | None


def addresses_of(person: Person) -> Addresses:
    """Return them, in one query for each of browsers, email and own addresses."""
    return Addresses(
        person=person,
        browsers=devices_of(person),
        has_push_key=DeliveryMethod.WEB_PUSH in transport_names() and current_key() is not None,
        email=email_form.section(person),
        own=address_form.section(person),
    )


def columns_for(addresses: Addresses) -> list[Column]:
    """Return the delivery methods to choose from: the two that pages serve, and each transport."""
    return [
        Column(DeliveryMethod.LIVE.value, _("While you are here")),
        Column(DeliveryMethod.FLASH.value, _("On the next page")),
        *(_transport(name, addresses) for name in transport_names()),
    ]


def _transport(name: str, addresses: Addresses) -> Column:
    declared = declaration_of(name)
    label = declared.words
    because = "" if declared.optional else reason_of_lock(name)
    if name == DeliveryMethod.WEB_PUSH:
        state, why = _push(addresses)
        return Column(name, label, state, why, _last_problem(addresses), part="push", locked_because=because)
    if addresses.email is not None and _is_email(name):
        state, why = _email(addresses.email)
        address = addresses.email.address
        return Column(name, label, state, why, address=address, part="email", locked_because=because)
    if addresses.own is not None and name in [form.name for form in addresses.own.forms]:
        state, why = _own(name, addresses.own)
        return Column(name, label, state, why, part="addresses", locked_because=because)
    return Column(name, label, locked_because=because)


def _is_email(name: str) -> bool:
    try:
        return isinstance(get_transport(name), Email)
    except Exception:  # noqa: BLE001 -- `declaration_of` logs a host's transport that cannot be created
        return False


def _push(addresses: Addresses) -> tuple[State, str]:
    if not addresses.has_push_key:
        return State.UNAVAILABLE, _("This site isn't sending push notifications at the moment.")
    if not addresses.browsers:
        return State.NO_BROWSER, _("No browser gets your push notifications yet.")
    if all(browser.held_back for browser in addresses.browsers):
        return State.PAUSED, _("Push notifications are paused. Sign in to this site in your browser to resume.")
    return State.READY, ""


def _last_problem(addresses: Addresses) -> str:
    """Return why the last push failed; empty if it did not. It takes a query or two."""
    newest = Notification.objects.filter(recipient=addresses.person).order_by("-timestamp", "-id")[:LOOKED_AT]
    settled = Delivery.objects.filter(
        notification__in=newest.values("pk"),
        transport=DeliveryMethod.WEB_PUSH,
        is_retraction=False,
        state__in=[DeliveryState.SENT, DeliveryState.FAILED],
    )
    last = settled.order_by("-settled_at", "-pk").first()
    if last is None or last.state != DeliveryState.FAILED:
        return ""
    name = browser_names([last]).get(last.pk) or _("one of your browsers")
    return problem_of(DeliveryState.FAILED, last.reason, last.reason_parameters, name)


def _email(email: EmailSection) -> tuple[State, str]:
    if not email.address:
        return State.NO_ADDRESS, _("Add an email address to your account to get notifications by email.")
    if email.stopped:
        words = _("We stopped sending emails to %(address)s.") % {"address": email.address}
        return State.STOPPED, f"{words} {email.stopped}"
    return State.READY, ""


def _own(name: str, own: Section) -> tuple[State, str]:
    entries = [*_entries(name, own)]
    if not entries:
        return State.NO_ADDRESS, _("You haven't added an address for it yet.")
    if all(entries):
        return State.STOPPED, _("We stopped sending to your addresses: %(reason)s") % {"reason": entries[0]}
    return State.READY, ""


def _entries(name: str, own: Section) -> Iterator[str]:
    """Yield, for each address of a transport, why it was stopped."""
    yield from (entry.stopped for entry in own.entries if entry.transport == name)
