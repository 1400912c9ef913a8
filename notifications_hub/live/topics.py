"""Who may listen to what. Every topic is refused unless a rule allows it.

    @topic("post.<int:pk>")
    def may_listen(user, pk) -> bool: ...

in a `notifications.py` of any app. The pattern is that of `django.urls.path`. The package's own topics have rules of
their own: a host's pattern may match their names, and is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.urls.resolvers import RoutePattern

from notifications_hub import audiences
from notifications_hub.streams import inbox_topic
from notifications_hub.streams.models import BadTopic, check_topic
from notifications_hub.users import Person

MAX_TOPICS = 32
INBOX = "inbox"
OWN = ("inbox", "inbox.", "everyone", "staff", "group.", "audience.", "task.")
"""The package's own topics: whole names, and with a dot at the end the beginnings of names."""

Rule = Callable[..., bool]
Rules = dict[str, tuple[RoutePattern, Rule]]
_rules: Rules = {}
_own_rules: Rules = {}


class TopicRefused(Exception):
    """This person may not listen to this topic, or there is none of that name: the two look alike from outside."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.topic = topic


def topic(pattern: str) -> Callable[[Rule], Rule]:
    """Declare who may listen to the topics of a pattern. The rule gets the user and what the pattern captured."""
    return _declaring(_rules, pattern)


def own_topic(pattern: str) -> Callable[[Rule], Rule]:
    """Declare the rule of one of the package's own topics, whose name is in `OWN`."""
    return _declaring(_own_rules, pattern)


def _declaring(rules: Rules, pattern: str) -> Callable[[Rule], Rule]:
    def declare(rule: Rule) -> Rule:
        rules[pattern] = (RoutePattern(pattern, is_endpoint=True), rule)
        return rule

    return declare


def may_listen(person: Person, name: str) -> bool:
    """Return the answer of the first rule whose pattern matches; False if none does or no topic has such a name."""
    try:
        check_topic(name)
    except BadTopic:
        return False
    for pattern, rule in (_own_rules if is_own(name) else _rules).values():
        match = pattern.match(name)
        if match is not None:
            return bool(rule(person, *match[1], **match[2]))
    return False


def is_own(name: str) -> bool:
    return any(name == own or (own.endswith(".") and name.startswith(own)) for own in OWN)


def unreachable_patterns() -> Iterator[str]:
    """Yield the hosts' patterns that match only names of the package's own, so their rules are never asked."""
    yield from (pattern for pattern in _rules if is_own(pattern))


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


@own_topic("everyone")
def _anyone_signed_in(user: Any) -> bool:
    return bool(user.is_authenticated)


@own_topic("staff")
@own_topic("group.<int:pk>")
@own_topic("audience.<slug:name>")
def _members(user: Any, **captured: Any) -> bool:
    own = audiences.topics_of(user)
    if "pk" in captured:
        return f"group.{captured['pk']}" in own
    return f"audience.{captured['name']}" in own if "name" in captured else audiences.STAFF in own
