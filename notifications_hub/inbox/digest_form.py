"""The section of the preferences page with digests: how often emails of each kind come, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import time

from django.http import QueryDict
from django.utils.dates import WEEKDAYS
from django.utils.formats import time_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from notifications_hub.database import transaction
from notifications_hub.delivery import digest_choices, preferences
from notifications_hub.delivery.worker_wakeup import wake_worker
from notifications_hub.inbox.quiet_form import zones_to_choose
from notifications_hub.kinds import Digest, Kind, all_kinds
from notifications_hub.quiet_hours.calendar import DAY_HOURS, DAYS, InvalidSchedule, Schedule, known_zones
from notifications_hub.quiet_hours.digests import save_digests
from notifications_hub.quiet_hours.schedules import default_schedule, save_schedule, schedule_of
from notifications_hub.transports import declaration_of, transport_names
from notifications_hub.users import Person


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str | Promise
    selected: bool


@dataclass(frozen=True, slots=True)
class DigestRow:
    """A kind, with a select named `digest:<kind>`."""

    name: str
    label: str
    options: list[Option]


@dataclass(frozen=True, slots=True)
class DigestSection:
    """The section. `is_set` is false for a person who has stored no time zone, so that a browser may propose one."""

    rows: list[DigestRow]
    hours: list[Option]
    days: list[Option]
    zone: str
    zones: list[str]
    is_set: bool
    errors: Mapping[str, str] = field(default_factory=dict)


class DigestsRefused(Exception):
    """Raised for times of digests that cannot be stored. `section` shows the choices as they were sent."""

    def __init__(self, section: DigestSection) -> None:
        super().__init__(section.errors)
        self.section = section


def digest_section(person: Person) -> DigestSection | None:
    """Return the section, in three queries; None on a site without digests, or for a person who gets no emails."""
    kinds = digested_kinds(person)
    if not kinds:
        return None
    stored = schedule_of(person)
    chosen = digest_choices.digests_by_kind(person.pk)
    return _section(kinds, chosen, stored or default_schedule(person), is_set=stored is not None)


def digested_kinds(person: Person) -> list[Kind]:
    """Return the kinds whose messages may come in digests: those that a transport with `digests` sends the person."""
    digesting = {name for name in transport_names() if declaration_of(name).digests}
    if not digesting:
        return []
    choices = preferences.choices_of(person.pk)
    return [kind for kind in all_kinds() if digesting & choices.methods(kind)]


def save(person: Person, posted: QueryDict) -> None:
    """Store the choices that differ, and the times. Raise `DigestsRefused`."""
    kinds = {kind.name: kind for kind in digested_kinds(person)}
    before = digest_choices.digests_by_kind(person.pk)
    given = {name: posted.get(f"digest:{name}", "") for name in kinds}
    shown = {name: digest_choices.digest_of(kind, before.get(name)) for name, kind in kinds.items()}
    changed = {name: Digest(one) for name, one in given.items() if one in set(Digest) and one != shown[name]}
    schedule = schedule_of(person) or default_schedule(person)
    try:
        times = _times(posted, schedule)
    except InvalidSchedule as error:
        section = _section(list(kinds.values()), before | changed, schedule, is_set=True)
        raise DigestsRefused(replace(section, errors={error.field: str(error)})) from None
    with transaction.atomic():
        save_digests(person, changed)
        save_schedule(person, times)
    wake_worker(1.0)


def _times(posted: QueryDict, before: Schedule) -> Schedule:
    zone = posted.get("zone", before.zone)
    if zone not in known_zones():
        raise InvalidSchedule("zone", _("Choose a time zone from the list."))
    try:
        hour, day = int(posted.get("hour", before.digest_hour)), int(posted.get("day", before.digest_day))
        return replace(before, zone=zone, digest_hour=hour, digest_day=day)
    except ValueError:
        raise InvalidSchedule("hour", _("Choose an hour and a day from the lists.")) from None


def _section(kinds: list[Kind], chosen: Mapping[str, str], schedule: Schedule, *, is_set: bool) -> DigestSection:
    return DigestSection(
        rows=[_row(kind, digest_choices.digest_of(kind, chosen.get(kind.name))) for kind in kinds],
        hours=[Option(str(hour), time_format(time(hour)), hour == schedule.digest_hour) for hour in range(DAY_HOURS)],
        days=[Option(str(day), WEEKDAYS[day], day == schedule.digest_day) for day in range(DAYS)],
        zone=schedule.zone,
        zones=zones_to_choose(schedule.zone),
        is_set=is_set,
    )


def _row(kind: Kind, digest: Digest) -> DigestRow:
    options = [Option(one.value, label, one is digest) for one, label in _labels()]
    return DigestRow(kind.name, str(kind.label or kind.name), options)


def _labels() -> Iterator[tuple[Digest, str]]:
    yield Digest.AT_ONCE, _("At once")
    yield Digest.HOURLY, _("Every hour")
    yield Digest.DAILY, _("Every day")
    yield Digest.WEEKLY, _("Every week")
