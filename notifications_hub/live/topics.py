"""Topic rules: the right to listen. Every topic is refused unless a rule allows it.

    @topic("post.<int:pk>")
    def may_listen(user, pk) -> bool: ...

Write this in a `notifications.py` of any app. Patterns work as in `django.urls.path`. The package's own topics have
their own rules; a host's pattern that matches such a name is ignored.

Only the rule of a public topic is asked about visitors who are not signed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.urls.resolvers import RoutePattern

from notifications_hub import audiences
from notifications_hub.streams import inbox_topic
from notifications_hub.streams.models import BadTopic, check_topic
from notifications_hub.users import Person

MAX_TOPICS = 32
INBOX = "inbox"
OWN = ("inbox", "inbox.", "everyone", "staff", "group.", "audience.", "chosen.", "announcement.", "task.")
"""The package's own topics: full names, and prefixes that end with a dot."""

Rule = Callable[..., bool]


@dataclass(frozen=True, slots=True)
class Declared:
    """A rule for the topics of a pattern. `public` topics are open to visitors who are not signed in, if it allows."""

    pattern: RoutePattern
    rule: Rule
    public: bool = False


Rules = dict[str, Declared]
_rules: Rules = {}
_own_rules: Rules = {}
_with_presence: dict[str, RoutePattern] = {}


class TopicRefused(Exception):
    """Raised when a person may not listen to a topic, or when it does not exist. Clients cannot distinguish the two."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.topic = topic


def topic(pattern: str, *, public: bool = False, presence: bool = False) -> Callable[[Rule], Rule]:
    """Declare who may listen to the topics of a pattern, like `"post.<int:pk>"`. Use it as a decorator.

    The rule gets the user and the values that the pattern captured, and returns True to allow. The first pattern that
    matches decides. A topic without a rule is refused. With `public`, the rule is also asked about visitors who are not
    signed in, and then gets Django's `AnonymousUser`. With `presence`, the people who have such a topic open are
    recorded: see `present`.
    """
    if presence:
        _with_presence[pattern] = RoutePattern(pattern, is_endpoint=True)
    return _declaring(_rules, pattern, public=public)


def own_topic(pattern: str, *, public: bool = False) -> Callable[[Rule], Rule]:
    """Declare the rule of one of the package's own topics, whose name is in `OWN`."""
    return _declaring(_own_rules, pattern, public=public)


def _declaring(rules: Rules, pattern: str, *, public: bool = False) -> Callable[[Rule], Rule]:
    def declare(rule: Rule) -> Rule:
        rules[pattern] = Declared(RoutePattern(pattern, is_endpoint=True), rule, public)
        return rule

    return declare


def may_listen(person: Person | AnonymousUser, name: str) -> bool:
    """Return the answer of the first rule whose pattern matches; False if none does or no topic has such a name."""
    declared, match = _declared(name)
    if declared is None or not (declared.public or person.is_authenticated):
        return False
    return bool(declared.rule(person, *match[1], **match[2]))


def are_public(names: Iterable[str]) -> bool:
    """Return whether each of these topics is declared public. It need not exist, and its rule may still refuse it."""
    found = (_declared(name)[0] for name in names)
    return all(declared is not None and declared.public for declared in found)


def _declared(name: str) -> tuple[Declared | None, Any]:
    """Return the first rule whose pattern matches, and its match."""
    try:
        check_topic(name)
    except BadTopic:
        return None, None
    for declared in (_own_rules if is_own(name) else _rules).values():
        match = declared.pattern.match(name)
        if match is not None:
            return declared, match
    return None, None


def is_own(name: str) -> bool:
    return any(name == own or (own.endswith(".") and name.startswith(own)) for own in OWN)


def declares_presence() -> bool:
    return bool(_with_presence)


def has_presence(name: str) -> bool:
    return not is_own(name) and any(pattern.match(name) for pattern in _with_presence.values())


def unreachable_patterns() -> Iterator[str]:
    """Yield the hosts' patterns that match only the package's own names. Their rules are never called."""
    yield from (pattern for pattern in _rules if is_own(pattern))


def stored_topics(person: Person | AnonymousUser, names: Sequence[str]) -> list[str]:
    """Return the topics as they are logged. `inbox` includes the person's audiences. Raise `TopicRefused`."""
    stored: dict[str, None] = {}
    for name in names:
        if name == INBOX and person.is_authenticated:
            stored |= dict.fromkeys([inbox_topic(person.pk), *audiences.topics_of(person)])
        elif may_listen(person, name):
            stored[name] = None
        else:
            raise TopicRefused(name)
    return list(stored)


def shown(stored: str) -> str:
    """Return a topic's name on the wire. Every inbox is `inbox`, because only its person can listen to it."""
    return INBOX if stored.startswith("inbox.") else stored


@own_topic(audiences.PUBLIC_BANNERS, public=True)
def _everybody(_user: Any) -> bool:
    return True


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


@own_topic("chosen.<int:pk>")
def _chosen(user: Any, pk: int) -> bool:
    return f"chosen.{pk}" in audiences.topics_of(user)
