"""Who may listen to what. Every topic is refused unless a rule allows it.

    @topic("post.<int:pk>")
    def may_listen(user, pk) -> bool: ...

in a `notifications.py` of any app. The pattern is that of `django.urls.path`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.urls.resolvers import RoutePattern

from notifications_hub import audiences
from notifications_hub.people import Person
from notifications_hub.streams import inbox_topic

MAX_TOPICS = 32
INBOX = "inbox"

Rule = Callable[..., bool]
_rules: dict[str, tuple[RoutePattern, Rule]] = {}


class TopicRefused(Exception):
    """This person may not listen to this topic, or there is none of that name: the two look alike from outside."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.topic = topic


def topic(pattern: str) -> Callable[[Rule], Rule]:
    """Declares who may listen to the topics of a pattern; the rule gets the user and what the pattern captured."""

    def declare(rule: Rule) -> Rule:
        _rules[pattern] = (RoutePattern(pattern, is_endpoint=True), rule)
        return rule

    return declare


def may_listen(person: Person, name: str) -> bool:
    for pattern, rule in _rules.values():
        match = pattern.match(name)
        if match is not None:
            return bool(rule(person, *match[1], **match[2]))
    return False


def stored_topics(person: Person, names: Sequence[str]) -> list[str]:
    """The topics as they are logged; `inbox` brings its person's audiences along. Raises `TopicRefused`."""
    stored: dict[str, None] = {}
    for name in names:
        if name == INBOX:
            stored |= dict.fromkeys([inbox_topic(person.pk), *audiences.topics_of(person)])
        elif may_listen(person, name):
            stored[name] = None
        else:
            raise TopicRefused(name)
    return list(stored)


def shown(stored: str) -> str:
    """The name that a topic bears on the wire: nobody can listen to an inbox but its person."""
    return INBOX if stored.startswith("inbox.") else stored


@topic("everyone")
def _anyone_signed_in(user: Any) -> bool:
    return bool(user.is_authenticated)


@topic("staff")
@topic("group.<int:pk>")
@topic("audience.<slug:name>")
def _members(user: Any, **captured: Any) -> bool:
    own = audiences.topics_of(user)
    if "pk" in captured:
        return f"group.{captured['pk']}" in own
    return f"audience.{captured['name']}" in own if "name" in captured else audiences.STAFF in own
