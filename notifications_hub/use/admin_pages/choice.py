"""The period and the kinds that the page of use shows, as the address names them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from notifications_hub.kinds import EVERY_KIND, Kind, kinds_in_order
from notifications_hub.use.figures import Period

SPANS = {7: 1, 30: 1, 90: 3, 365: 7}
"""The periods to choose from, in days, each with the days of one column in its picture."""
DAYS = 30


@dataclass(frozen=True, slots=True)
class Choice:
    """A period, and a kind, a group of kinds, or everything."""

    days: int
    of: str
    """`kind:<name>`, `group:<name>` or an empty text."""

    @classmethod
    def of_request(cls, given: Mapping[str, str]) -> Choice:
        """Read the address. What it names wrongly is left at its default."""
        days = given.get("days", "")
        of = given.get("of", "")
        known = {value for value, _words in offered()}
        return cls(int(days) if days in map(str, SPANS) else DAYS, of if of in known else "")

    @property
    def period(self) -> Period:
        today = timezone.localtime(timezone=timezone.get_default_timezone()).date()
        return Period(today, self.days, SPANS[self.days])

    @property
    def kinds(self) -> Collection[str] | None:
        if not self.of:
            return None
        what, _colon, name = self.of.partition(":")
        return [name] if what == "kind" else [kind.name for kind in _by_group()[name]]

    @property
    def query(self) -> str:
        return urlencode({"days": self.days, "of": self.of})

    @property
    def words(self) -> str:
        return next((words for value, words in offered() if value == self.of), _("All kinds"))


def offered() -> Iterator[tuple[str, str]]:
    """Yield the groups and then the kinds to choose from, with their words."""
    for name, kinds in _by_group().items():
        if name:
            yield f"group:{name}", _("Group: %(name)s") % {"name": kinds[0].group}
    for kind in kinds_in_order():
        yield f"kind:{kind.name}", label_of(kind.name)


def periods() -> list[tuple[int, str]]:
    words = {365: _("A year")}
    return [(days, words.get(days) or _("%(days)d days") % {"days": days}) for days in SPANS]


def label_of(name: str) -> str:
    """Return a kind's label. One whose app is gone keeps its name."""
    if name == EVERY_KIND:
        return _("Everything at once")
    found = next((kind for kind in kinds_in_order() if kind.name == name), None)
    return str(found.label or name) if found else name


def _by_group() -> dict[str, list[Kind]]:
    found: dict[str, list[Kind]] = {}
    with translation.override(None):
        for kind in kinds_in_order():
            found.setdefault(str(kind.group), []).append(kind)
    return found
