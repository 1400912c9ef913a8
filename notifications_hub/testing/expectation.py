"""The values that a test expects of a notification, and how one differs from them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TypedDict

from notifications_hub.announcements.methods import all_methods
from notifications_hub.kinds import get_kind
from notifications_hub.testing.captured_rows import CapturedNotification, listed


class Expected(TypedDict, total=False):
    """The arguments of `Captured.assert_notified` besides the person."""

    kind: str | None
    methods: Collection[str] | None
    title: str | None
    body: str | None
    url: str | None
    level: str | None
    times: int


class Unexpected(TypedDict, total=False):
    """The arguments of `Captured.assert_not_notified` besides the person."""

    kind: str | None
    method: str | None


WORDS = ("title", "body", "url", "level")


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """Values that a notification must have. None: any."""

    kind: str | None = None
    methods: frozenset[str] | None = None
    title: str | None = None
    body: str | None = None
    url: str | None = None
    level: str | None = None

    def is_met_by(self, captured: CapturedNotification) -> bool:
        return self.concerns(captured) and not any(self.differences(captured))

    def concerns(self, captured: CapturedNotification) -> bool:
        """Return whether it is of the expected kind."""
        return self.kind in (None, captured.kind)

    def differences(self, captured: CapturedNotification) -> Iterator[str]:
        """Yield a line for each value besides the kind that is not as expected."""
        for name in WORDS:
            wanted, found = getattr(self, name), getattr(captured, name)
            if wanted is not None and wanted != found:
                yield f"{name}: expected {wanted!r}, got {found!r}"
        if self.methods is not None and self.methods != captured.methods:
            yield f"methods: expected {listed(self.methods)}; got {listed(captured.methods)}"

    def __str__(self) -> str:
        given = {name: getattr(self, name) for name in ("kind", *WORDS)}
        parts = [f"{name}={value!r}" for name, value in given.items() if value is not None]
        if self.methods is not None:
            parts.append(f"methods={sorted(self.methods)}")
        return ", ".join(parts)


def expectation_of(*, kind: str | None, methods: Collection[str] | None, **words: str | None) -> Expectation:
    """Return the expectation. Raise `UnknownKind`, or `ValueError` for a delivery method that the site does not have.

    A misspelt name would otherwise let every `assert_not_notified` pass.
    """
    if kind is not None:
        get_kind(kind)
    if isinstance(methods, str):
        raise TypeError(f"methods must be a set of names, like {{{methods!r}}}, not a text.")
    for method in methods or ():
        check_method(method)
    return Expectation(kind=kind, methods=None if methods is None else frozenset(map(str, methods)), **words)


def check_method(method: str) -> str:
    """Return the name. Raise `ValueError` if the site has no such delivery method."""
    if method not in all_methods():
        raise ValueError(f"{method!r} is no delivery method of this site (known: {', '.join(all_methods())}).")
    return str(method)
