"""Captured notifications, deliveries, pushes and events, each in the words and the language of its person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from notifications_hub.actions.running import run_action
from notifications_hub.announcements.models import Announcement
from notifications_hub.kinds import Action
from notifications_hub.message import Message
from notifications_hub.notification import Notification

ON = ("waiting", "sent")
"""The states of deliveries that will be sent, or were."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CapturedNotification:
    """One person's notification, or an announcement as this person sees it.

    `methods` are the names of the delivery methods that would reach the person: `live`, `flash`, and each transport
    with a delivery to an address of theirs. `row` is the stored notification or announcement.
    """

    person: Any
    message: Message
    methods: frozenset[str]
    row: Notification | Announcement

    @property
    def kind(self) -> str:
        return self.message.kind

    @property
    def title(self) -> str:
        return self.message.title

    @property
    def body(self) -> str:
        return self.message.body

    @property
    def url(self) -> str:
        return self.message.url

    @property
    def level(self) -> str:
        return self.message.level

    def act(self, name: str, word: str = "") -> str:
        """Run an action as the notified person. Return what pages then say, or raise why it did not run."""
        if not isinstance(self.row, Notification):
            raise TypeError("An announcement has no actions.")
        row = Notification.objects.select_related("recipient").for_items().get(pk=self.row.pk)
        return run_action(row, name, self.person, word).text

    def __str__(self) -> str:
        return f'{self.kind} "{self.title}" by {listed(self.methods)}'


@dataclass(frozen=True, kw_only=True, slots=True)
class CapturedDelivery:
    """A delivery by a transport to one address. `state` is `waiting`, `sent`, `failed` or `cancelled`.

    `reason` says in English why it failed or was cancelled.
    """

    person: Any
    method: str
    address: str
    message: Message
    state: str
    reason: str

    @property
    def is_on(self) -> bool:
        """Return whether it will be sent, or was."""
        return self.state in ON


@dataclass(frozen=True, kw_only=True, slots=True)
class CapturedPush:
    """A Web Push as the person's browser shows it: after the kind's privacy, and shortened to fit."""

    person: Any
    title: str
    body: str
    url: str
    actions: tuple[Action, ...]
    tag: str
    language: str
    message: Message


@dataclass(frozen=True, kw_only=True, slots=True)
class CapturedEmail:
    """An email as it is sent: its address, its subject, and the text and HTML that its templates make.

    A transport of the host's own has no HTML, and the title and body of the message as subject and text.
    """

    person: Any
    address: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    message: Message


@dataclass(frozen=True, kw_only=True, slots=True)
class CapturedEvent:
    """An event of a topic. An `ephemeral` one is not logged."""

    topic: str
    kind: str
    data: Mapping[str, Any]
    ephemeral: bool = False

    def __str__(self) -> str:
        return f"{self.kind} on {self.topic}: {dict(self.data)}"


def listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "no delivery method"
