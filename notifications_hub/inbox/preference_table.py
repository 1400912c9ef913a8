"""A person's preferences as a table: kinds in groups, delivery methods in columns. The page and the API show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils import translation
from django.utils.translation import gettext as _

from notifications_hub.delivery.digest_choices import digest_of, digests_by_kind
from notifications_hub.delivery.preferences import Choices, choices_of
from notifications_hub.inbox.digest_form import Option, digesting_transports, options_for
from notifications_hub.inbox.preference_columns import Addresses, Column, columns_for, reason_of_lock
from notifications_hub.kinds import Digest, Kind, kinds_in_order
from notifications_hub.transports import default_methods, locked_methods

MANY_KINDS = 12
"""With more, groups are closed at first, and a script offers a filter."""


class Whole(StrEnum):
    """The state of a switch for many kinds. `LOCKED`: none of them can be changed."""

    ON = "on"
    OFF = "off"
    MIXED = "mixed"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Choice:
    """A checkbox named `<kind>:<delivery method>`. Nobody can change a `locked` one; one not `ready` has no effect."""

    name: str
    label: str
    checked: bool
    locked: bool
    ready: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A kind. `locked_because` says why nothing of it can be changed; `chosen` is false while defaults hold."""

    name: str
    label: str
    description: str
    locked_because: str
    chosen: bool
    defaults: frozenset[str]
    methods: list[Choice]
    digest: Digest | None
    """How often emails of it come; None on a site without digests."""
    digested: bool
    """True if it comes by a delivery method with digests."""

    @property
    def digesting(self) -> str:
        """Return the delivery methods with digests, for a script."""
        return " ".join(sorted(digesting_transports()))

    @property
    def digests(self) -> list[Option]:
        return options_for(self.digest) if self.digest else []


@dataclass(frozen=True, slots=True)
class WholeSwitch:
    """A switch for one delivery method of many kinds."""

    name: str
    label: str
    state: Whole


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds below one heading. `name` is the heading in the language of the code, and empty without one."""

    name: str
    label: str
    rows: list[Row]
    switches: list[WholeSwitch]

    @property
    def whole_label(self) -> str:
        return _("All of “%(group)s”") % {"group": self.label}


@dataclass(frozen=True, slots=True)
class Table:
    columns: Sequence[Column]
    groups: list[Group]
    switches: list[WholeSwitch]

    @property
    def rows(self) -> list[Row]:
        return [row for group in self.groups for row in group.rows]

    @property
    def is_long(self) -> bool:
        return len(self.rows) > MANY_KINDS

    @property
    def locked_columns(self) -> list[Column]:
        """Return the delivery methods that are locked for some kind with other choices."""
        locked = {one.name for row in self.rows if not row.locked_because for one in row.methods if one.locked}
        return [column for column in self.columns if column.name in locked]


def preference_table(addresses: Addresses) -> Table:
    """Return a person's preferences, in a query each for methods, digests and the last push."""
    digests = digests_by_kind(addresses.person.pk) if digesting_transports() else None
    chosen = _Chosen(choices_of(addresses.person.pk), digests)
    columns = columns_for(addresses)
    groups = [_group(name, kinds, chosen, columns) for name, kinds in groups_of_kinds()]
    rows = [row for group in groups for row in group.rows]
    return Table(columns, groups, _switches(rows, columns))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The choices of a person. `digests` is None on a site without digests."""

    methods: Choices
    digests: Mapping[str, Digest] | None

    def has(self, kind: Kind) -> bool:
        return kind.optional and (kind.name in self.methods.own or kind.name in (self.digests or ()))


def groups_of_kinds() -> list[tuple[str, list[Kind]]]:
    """Return the kinds that preferences list, by the names of their groups. Those without a group are last."""
    found: dict[str, list[Kind]] = {}
    with translation.override(None):
        for kind in listed_kinds():
            found.setdefault(str(kind.group), []).append(kind)
    return sorted(found.items(), key=lambda item: not item[0])


def listed_kinds() -> list[Kind]:
    return [kind for kind in kinds_in_order() if kind.in_preferences]


def _group(name: str, kinds: Sequence[Kind], chosen: _Chosen, columns: Sequence[Column]) -> Group:
    rows = [_row(kind, chosen, columns) for kind in kinds]
    return Group(name, str(kinds[0].group) or _("Everything else"), rows, _switches(rows, columns))


def _row(kind: Kind, chosen: _Chosen, columns: Iterable[Column]) -> Row:
    on, locked = chosen.methods.methods(kind), locked_methods(kind)
    return Row(
        name=kind.name,
        label=str(kind.label or kind.name),
        description=str(kind.description),
        locked_because="" if kind.optional else locked_reason(kind),
        chosen=chosen.has(kind),
        defaults=default_methods(kind),
        methods=[
            Choice(
                one.name,
                one.label,
                checked=one.name in on,
                locked=not kind.optional or one.name in locked,
                ready=one.is_ready,
            )
            for one in columns
        ],
        digest=None if chosen.digests is None else digest_of(kind, chosen.digests.get(kind.name)),
        digested=bool(on & digesting_transports()),
    )


def locked_reason(kind: Kind) -> str:
    """Return why nobody can switch a kind off."""
    return str(kind.locked_because) or _("This site always sends these.")


def lock_of(kind: Kind, method: str) -> str:
    """Return why nobody can switch a delivery method off for a kind where it is locked."""
    return reason_of_lock(method) if kind.optional else locked_reason(kind)


def reason_in(row: Row, choice: Choice, columns: Iterable[Column]) -> str:
    """Return why a choice of a row is locked; empty if it is not."""
    if not choice.locked:
        return ""
    return row.locked_because or next(one.locked_because for one in columns if one.name == choice.name)


def _switches(rows: Iterable[Row], columns: Iterable[Column]) -> list[WholeSwitch]:
    listed = list(rows)
    return [WholeSwitch(one.name, one.label, _whole(_open_choices(one.name, listed))) for one in columns]


def _open_choices(method: str, rows: Iterable[Row]) -> Iterator[bool]:
    """Yield the state of each switch of a delivery method that the person can change."""
    yield from (one.checked for row in rows for one in row.methods if one.name == method and not one.locked)


def _whole(checked: Iterable[bool]) -> Whole:
    states = set(checked)
    if not states:
        return Whole.LOCKED
    if len(states) == 2:
        return Whole.MIXED
    return Whole.ON if True in states else Whole.OFF
