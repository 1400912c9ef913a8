"""Change preferences: of a kind, of a group, or of a delivery method as a whole. A refused part stores nothing.

What is locked stays as it is when a whole group or column is switched. Off for a whole column also holds for kinds that
are declared later, and for those that preferences do not list. On holds for those that are listed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from django.utils.translation import gettext as _

from notifications_hub.database import transaction
from notifications_hub.delivery import preferences
from notifications_hub.delivery.digest_choices import digest_of, digests_by_kind
from notifications_hub.delivery.preferences import Changes, Choices
from notifications_hub.delivery.worker_wakeup import wake_worker
from notifications_hub.inbox.preference_table import groups_of_kinds, listed_kinds, lock_of
from notifications_hub.kinds import DeliveryMethod, Digest, Kind, all_kinds, get_kind
from notifications_hub.quiet_hours.calendar import known_zones
from notifications_hub.quiet_hours.digests import save_digests
from notifications_hub.quiet_hours.schedules import default_schedule, save_schedule, schedule_of
from notifications_hub.transports import default_methods, locked_methods, transport_names
from notifications_hub.use.models import Source
from notifications_hub.users import Person

Switches = Mapping[str, bool]
"""Delivery methods, each to be on or off."""

_NAMED = 20
"""The most names in an error."""


class Refused(ValueError):
    """Raised for a change that is impossible. The message is for the person, and names the remedy."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A change. What is more specific wins: a kind over its group, and a group over everything."""

    everything: Switches = field(default_factory=dict)
    groups: Mapping[str, Switches] = field(default_factory=dict)
    kinds: Mapping[str, Switches] = field(default_factory=dict)
    reset: Collection[str] = ()
    """Kinds that follow the defaults again."""
    digests: Mapping[str, Digest] = field(default_factory=dict)
    """How often emails come, by kind."""
    zone: str = ""
    """The time zone that a browser proposes, for a person who has stored none. Its digests come by it."""


def save(person: Person, wanted: Wanted) -> None:
    """Store a change, and tell the person's open pages. Raise `Refused`."""
    _check(wanted)
    digests = _digest_changes(person, wanted)
    with transaction.atomic():
        changes = preferences.change(person.pk, lambda choices: changes_for(choices, wanted), Source.PREFERENCES)
        if digests:
            _keep_zone(person, wanted.zone)
            save_digests(person, digests)
            if not changes:
                preferences.tell_pages(person.pk)
    if digests:
        wake_worker(1.0)


def _keep_zone(person: Person, zone: str) -> None:
    """Store the time zone of a person who has none. An unknown one is left out: the site's own then holds."""
    if zone in known_zones() and schedule_of(person) is None:
        save_schedule(person, replace(default_schedule(person), zone=zone))


def _digest_changes(person: Person, wanted: Wanted) -> dict[str, Digest | None]:
    """Return how often emails come, of kinds for which that changes. None: the default again."""
    if not (wanted.digests or wanted.reset):
        return {}
    before = digests_by_kind(person.pk)
    chosen = {
        name: digest for name, digest in wanted.digests.items() if digest != digest_of(get_kind(name), before.get(name))
    }
    return {**{name: None for name in wanted.reset if name in before}, **chosen}


def changes_for(choices: Choices, wanted: Wanted) -> Changes:
    """Return the new rows for a change."""
    draft = Draft(choices)
    for method, on in wanted.everything.items():
        draft.switch_everything(method, on=on)
    members = dict(groups_of_kinds())
    for group, switches in wanted.groups.items():
        draft.switch(members[group], switches)
    by_name = {kind.name: kind for kind in listed_kinds()}
    for name in wanted.reset:
        draft.own.pop(name, None)
    for name, switches in wanted.kinds.items():
        draft.switch([by_name[name]], switches)
    return draft.changes()


class Draft:
    """A person's choices while they are changed."""

    def __init__(self, choices: Choices) -> None:
        self._before = choices
        self.own = dict(choices.own)
        self.off = choices.off

    def switch_everything(self, method: str, *, on: bool) -> None:
        if on:
            wanting = [kind for kind in listed_kinds() if method not in default_methods(kind) or kind.name in self.own]
            self.off -= {method}
            self.switch(wanting, {method: True})
        else:
            self.off |= {method}
            self.own = {name: methods - {method} for name, methods in self.own.items()}

    def switch(self, kinds: Iterable[Kind], switches: Switches) -> None:
        for kind in kinds:
            if not kind.optional:
                continue
            before = Choices(self.own, self.off).methods(kind)
            on, off = ({name for name, state in switches.items() if state is wanted} for wanted in (True, False))
            after = (before | on) - (off - locked_methods(kind))
            if after != before:
                self.own[kind.name] = after

    def changes(self) -> Changes:
        after, before = Choices(self.own, self.off).as_rows(), self._before.as_rows()
        return {kind: after.get(kind) for kind in {*after, *before} if after.get(kind) != before.get(kind)}


# Checks


def _check(wanted: Wanted) -> None:
    _check_methods([wanted.everything, *wanted.groups.values(), *wanted.kinds.values()])
    groups = [name for name, _kinds in groups_of_kinds()]
    for group in wanted.groups:
        if group not in groups:
            raise Refused(
                _("There is no group %(name)s. %(known)s") % {"name": _quoted(group), "known": _known(groups, group)}
            )
    names = [kind.name for kind in listed_kinds()]
    by_name = {kind.name: kind for kind in all_kinds()}
    for name in (*wanted.kinds, *wanted.reset, *wanted.digests):
        if name not in names:
            raise Refused(
                _("Preferences have no kind %(name)s. %(known)s")
                % {"name": _quoted(name), "known": _known(names, name)}
            )
        _check_locked(by_name[name], wanted.kinds.get(name, {}))


def _check_methods(switches: Iterable[Switches]) -> None:
    offered = [DeliveryMethod.LIVE.value, DeliveryMethod.FLASH.value, *transport_names()]
    for name in {name for one in switches for name in one} - set(offered):
        words = _("This site has no delivery method %(name)s. %(known)s")
        raise Refused(words % {"name": _quoted(name), "known": _known(offered, name)})


def _check_locked(kind: Kind, switches: Switches) -> None:
    """Raise `Refused` if the person cannot have what they want of a kind."""
    words = _("%(method)s can't be changed for %(kind)s. %(why)s")
    for method, on in switches.items():
        names = {"method": _quoted(method), "kind": _quoted(kind.name)}
        is_locked = method in locked_methods(kind) if kind.optional else True
        if is_locked and on != (method in default_methods(kind)):
            raise Refused(words % {**names, "why": lock_of(kind, method)})


def _quoted(name: str) -> str:
    return f"“{name[:100]}”"


def _known(names: Collection[str], given: str) -> str:
    """Return the names to choose from, in words. Those most like the given one are first."""
    close = get_close_matches(given, names)
    nearest_first = [*close, *sorted(set(names) - set(close))]
    shown = ", ".join(_quoted(name) for name in nearest_first[:_NAMED])
    return _("Use one of these: %(names)s") % {"names": shown + (" …" if len(names) > _NAMED else "")}
